"""The situations of the crash-recovery chapter of Galera's manual, in its order.

Each begins with the situation, under load, and ends with the cluster whole: by
itself, or by the one command that a person is told to type. The last situation,
split brain, is in split.py.
"""

import re
import time

from cluster import GVWSTATE, PATIENT
from doubt import main_pid
from lablib.client import ClientError
from scenario import scenario

SIZES = (5, 3)
# Its servers take pc.bootstrap as they run; from MariaDB 11.2 on they do not.
IN_PLACE = "mariadb-10.11"
CACHE = "var/lib/mysql/galera.cache"
FORECAST = re.compile(r"It joins the Primary component of \w+ by (IST|a full state transfer)")
DONOR = re.compile(r"\((\w+)\) requested state transfer from .* Selected \S+ \((\w+)\)\((\w+)\) as donor")

# What a power loss leaves of a file that was being written.
DAMAGES = [
    lambda whole: b"",
    lambda whole: bytes(len(whole)),
    lambda whole: whole[:len(whole) // 2],
]


@scenario(nodes=SIZES)
def stopped_gracefully_they_join_again_by_ist(cluster):
    """One is stopped and started again; then all but one, which start together."""
    first, *others = cluster.lab.names()
    with cluster.ledger:
        cluster.write_some()
        cluster.stop_one_by_one(others[-1])
        cluster.write_some(through=first)
        cluster.start_by_hand(others[-1])
        cluster.write_some(through=others[-1])
        came_by_ist(cluster, others[-1])

        cluster.since = time.time()
        for name in others:
            cluster.stop_one_by_one(name)
            cluster.write_some(through=first)
        cluster.start_by_hand(*others)
        for name in others:
            cluster.write_some(through=name)
    came_by_ist(cluster, *others)
    assert cluster.leaders() == [], f"led: {cluster.leaders()}"
    # A joiner may help the next one, but not before it has all itself.
    donors = DONOR.findall(cluster.said(first, "mariadb"))
    assert len(donors) >= len(others) and all(state == "SYNCED" for _, _, state in donors), donors
    cluster.check()


def came_by_ist(cluster, *names):
    for name in names:
        cluster.wait(lambda: "IST received" in cluster.said(name, "mariadb"), f"{name} to receive an IST")


@scenario(nodes=SIZES)
def all_stopped_gracefully_the_most_advanced_leads(cluster):
    """Every one was stopped with less than the next one had; booted at once, the last one leads."""
    first, last, *others = cluster.lab.names()
    with cluster.ledger:
        cluster.stop_one_by_one(first, *others, last)
    told_before(cluster, last)
    cluster.lab.stop()
    way = "IST"
    if len(others) == 1:    # more of them would take too long
        cluster.node(last).path(CACHE).unlink()
        way = "a full state transfer"
    cluster.since = time.time()
    with cluster.ledger:
        cluster.lab.boot()
        cluster.write_some()
    cluster.check_led(last)
    cluster.check()
    for name in (first, *others):
        came_as_told(cluster, name, way)


def told_before(cluster, leader):
    """The others are told, by everybody, that they may need a full copy, and who will know."""
    words = f"behind: it joins when {leader} is Primary, which then tells whether its cache holds what is missing (IST) or not (SST)."
    for of in cluster.lab.names():
        cluster.wait(lambda: (plan := cluster.plan(of)).get("node") == leader and plan["action"] == "bootstrap", f"{of} to say that {leader} leads")
        reasons = cluster.plan(of)["reasons"]
        told = [reason["node"] for reason in reasons if words in reason["text"]]
        assert sorted([leader, *told]) == cluster.lab.names(), f"{of} says: {reasons}"


def came_as_told(cluster, name, way):
    """Once the leader was Primary this node was told how it would join, and so it came."""
    told = FORECAST.findall(cluster.said(name))
    assert told and set(told) == {way}, f"{name} was told {told}"
    copied = "SST completed on joiner" in cluster.said(name, "mariadb")
    assert copied == (way != "IST"), f"{name} was told {way}"


@scenario(nodes=SIZES)
def a_minority_disappears_and_rejoins_by_itself(cluster):
    """One of three, two of five: the others go on, and need no help to take them in again."""
    lost, rest = parties(cluster, len(cluster.nodes()) // 2)
    began = time.monotonic()
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut(*lost)
        for name in rest:
            cluster.write_some(through=name)
        cluster.lab.boot(*lost)
        for name in lost:
            cluster.write_some(through=name)
    # Galera's own time-outs, and not more.
    assert cluster.ledger.largest_gap(began) < 20, "the others did not go on"
    assert cluster.leaders() == [], f"led: {cluster.leaders()}"
    came_by_ist(cluster, *lost)
    cluster.check()


def parties(cluster, lost):
    """The first so many, who will be lost, and the others."""
    names = cluster.lab.names()
    return names[:lost], names[lost:]


@scenario(nodes=SIZES)
def a_majority_disappears_and_service_returns_with_it(cluster):
    """Two of three, three of five: the rest serves nobody until they are heard, and then all serve again."""
    lost, rest = parties(cluster, len(cluster.nodes()) // 2 + 1)
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut(*lost)
        without_quorum(cluster, rest, lost)
        servers = {name: main_pid(cluster.node(name), "mariadb") for name in rest}
        cluster.lab.boot(*lost)
        cluster.write_some()
    assert len(cluster.leaders()) <= 1, f"led: {cluster.leaders()}"
    cluster.check()
    check_in_place(cluster, servers)


def check_in_place(cluster, servers):
    """The servers that lost the others were made Primary as they ran, where theirs can."""
    if cluster.lab.image != IN_PLACE:
        return
    for name, server in servers.items():
        assert main_pid(cluster.node(name), "mariadb") == server, f"{name}'s mysqld was restarted"
    assert any("made Primary in place" in cluster.said(name) for name in servers), "nobody was made Primary in place"


def without_quorum(cluster, rest, lost):
    """The rest runs, refuses to read, and its agents know where it stands and for whom they wait."""
    promised = len(cluster.ledger.accepted())
    for name in rest:
        cluster.wait(lambda: cluster.ask(name, "report").get("mysqld") == "non-primary", f"{name} to report non-primary")
        try:
            rows = cluster.node(name).rows("SELECT COUNT(*) FROM lab.ledger")
        except ClientError as error:
            assert error.code == 1047, error
        else:
            raise AssertionError(f"{name} reads {rows} without a quorum")
        cluster.wait(lambda: cluster.ask(name, "report")["position"]["seqno"] >= promised,
                     f"{name} to report a position of {promised} or more")
        cluster.wait_awaits(name, lost)
        status = cluster.node(name).run(["mainstayctl", "status"]).stdout
        assert "non-primary" in status, status
        told = " ".join(reason["text"] for reason in cluster.plan(name)["reasons"])
        assert give_up(lost) in told, told


def give_up(lost):
    """The command by which a person gives these up."""
    return "mainstayctl bootstrap " + " ".join(f"--without {name}" for name in lost)


@scenario(nodes=SIZES)
def a_majority_stays_away_until_it_is_given_up(cluster):
    """The rest waits for them as long as nobody says otherwise; one command makes it serve; they return."""
    lost, rest = parties(cluster, len(cluster.nodes()) // 2 + 1)
    with cluster.ledger:
        cluster.write_some()
        with cluster.between_writes():
            cluster.lab.cut(*lost)
        without_quorum(cluster, rest, lost)
        cluster.check_nobody_led(5)
        refused_to_give_up(cluster, rest[0], "db9", "There is no node of this name")
        if len(rest) > 1:
            refused_to_give_up(cluster, rest[0], rest[1], "is alive")
        else:    # of the lost ones, one that is back for a moment
            cluster.lab.boot(lost[0])
            cluster.wait_awaits(lost[0], lost[1:])
            refused_to_give_up(cluster, lost[0], rest[0], "is alive")
            cluster.lab.cut(lost[0])
            cluster.wait_awaits(rest[0], lost)
        cluster.check_nobody_led()

        servers = {name: main_pid(cluster.node(name), "mariadb") for name in rest}
        cluster.node(rest[0]).run(give_up(lost), timeout=PATIENT)
        for name in rest:
            cluster.write_some(through=name)
        assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"
        check_in_place(cluster, servers)
        cluster.lab.boot(*lost)
        for name in lost:
            cluster.write_some(through=name)
    assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"
    cluster.check()


def refused_to_give_up(cluster, name, wrong, words):
    done = cluster.node(name).run(["mainstayctl", "bootstrap", "--without", wrong], check=False)
    assert done.returncode == 1 and words in done.stderr, f"--without {wrong} on {name}: {done}"


@scenario(nodes=SIZES)
def all_cut_at_once_whatever_became_of_gvwstate(cluster):
    """All go down hard; of their gvwstate.dat one is whole, some are damaged, one is stale."""
    whole, *damaged, stale = cluster.lab.names()
    with cluster.ledger:
        cluster.write_some()
        old = cluster.node(stale).path(GVWSTATE).read_bytes()
        # The next view has another incarnation of the same node.
        cluster.node(damaged[0]).run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.write_some(through=damaged[0])
        cluster.lab.cut()

        for name, damage in zip(damaged, DAMAGES):
            file = cluster.node(name).path(GVWSTATE)
            file.write_bytes(damage(file.read_bytes()))
        file = cluster.node(stale).path(GVWSTATE)
        assert file.read_bytes() not in (b"", old), "nothing has become stale"
        file.write_bytes(old)

        cluster.lab.boot()
        cluster.write_some()
    assert len(cluster.leaders()) <= 1, f"led: {cluster.leaders()}"
    cluster.check()

"""What is found out afterwards: the decisions and their evidence, as the journal has them."""

import json
import re
import time
from pathlib import Path

import breakage
from agents import cut_all_for_a_bootstrap
from lablib import LabError
from replication import Service
from scenario import scenario

IDS = Path(__file__).parents[2] / "agent/sys/message-ids.h"
FORGED = "The whole cluster was given up by nobody."


def message_ids():
    return dict(re.findall(r'#define MESSAGE_(\w+) "([0-9a-f]{32})"', IDS.read_text()))


def history(cluster, name, *words):
    """The decisions that a node's journal has since the scenario began."""
    done = cluster.node(name).run(["mainstayctl", "history", "--json", "--lines=0", *words])
    return [entry for entry in json.loads(done.stdout) if entry["time"] >= cluster.since * 1e6]


def of_kind(entries, what):
    return [entry for entry in entries if entry["what"] == what]


def recover_by_a_bootstrap(cluster):
    """Power cut of all three, and back; returns who led."""
    with cluster.ledger:
        cluster.write_some()
        cut_all_for_a_bootstrap(cluster)
        cluster.lab.boot()
        cluster.write_some()
    cluster.check()
    leader, = cluster.leaders()
    return leader


@scenario
def history_tells_who_led_and_on_what_evidence(cluster):
    """After a power cut of all three it is read in the journals, without any agent, who
    formed the cluster, who agreed to it, and on which positions of whom that rested."""
    leader = recover_by_a_bootstrap(cluster)
    names = set(cluster.lab.names())
    cluster.on_all(lambda node: node.run("systemctl stop mainstayd"))
    try:
        led, = of_kind(history(cluster, leader), "bootstrapped")
        assert led["node"] == leader and led["text"].startswith("This node has formed the cluster"), led
        check_evidence(led, names, leader)
        asked = [entry for entry in of_kind(history(cluster, leader), "claims") if entry["claim"] == led["claim"]]
        assert len(asked) == 1 and set(asked[0]["peers"]) == names - {leader}, asked
        assert asked[0]["evidence"]["action"] == "bootstrap" and asked[0]["evidence"]["node"] == leader, asked
        for name in names - {leader}:
            granted = [entry for entry in of_kind(history(cluster, name), "grants") if entry["claim"] == led["claim"]]
            assert len(granted) == 1 and granted[0]["leader"] == leader, f"{name}: {granted}"
            check_evidence(granted[0], names, leader)
            assert of_kind(history(cluster, name), "may-start")[-1]["start"] == "join"
        assert of_kind(history(cluster, leader), "may-start")[-1]["start"] == "bootstrap"

        shown = cluster.node(leader).run(f"mainstayctl history --lines=0 --verbose --since=@{int(cluster.since)}").stdout
        assert "What it rests on:" in shown and all(f"{name}: stopped at " in shown for name in names), shown
        short = cluster.node(leader).run("mainstayctl history -n 5").stdout.splitlines()
        assert short[0].split()[:3] == ["TIME", "NODE", "WHAT"] and short[-1].split()[2:3] == [leader], short
    finally:
        cluster.on_all(lambda node: node.run("systemctl start mainstayd"))
    cluster.check()


def check_evidence(entry, names, leader):
    """It names all nodes as heard, each with its position, and nobody was ahead of who leads."""
    nodes = {node["node"]: node for node in entry["evidence"]["nodes"]}
    assert set(nodes) == names, entry
    seqno = {name: int(node["position"].rsplit(":", 1)[1]) for name, node in nodes.items()}
    assert all(node["condition"] == "known" and node["mysqld"] == "stopped" for node in nodes.values()), entry
    assert seqno[leader] == max(seqno.values()) > 0, entry


@scenario
def the_journal_explains_itself(cluster):
    """`journalctl -x` has an explanation for each message, with nothing left to be filled in;
    the messages are found by their fields."""
    leader = recover_by_a_bootstrap(cluster)
    other = next(name for name in cluster.lab.names() if name != leader)
    for node in cluster.nodes():
        explained(node, cluster.since)
    told = explained(cluster.node(other), cluster.since)
    assert f"The bootstrap is promised to {leader}" in told, told
    assert f"mainstayctl bootstrap --without {leader}" in told, told

    found = [json.loads(line) for line in cluster.node(other).run(
        ["journalctl", "--no-pager", "--quiet", "-o", "json", f"--since=@{cluster.since:.3f}", f"MAINSTAY_PEER={leader}"]).stdout.splitlines()]
    assert {entry["MAINSTAY_NODE"] for entry in found} == {other}, found
    assert message_ids()["CLAIM_GRANTED"] in {entry["MESSAGE_ID"] for entry in found}, found
    assert all("CODE_FILE" not in entry for entry in found), found
    online = cluster.node(other).run(["journalctl", "--no-pager", "--quiet", "-o", "cat", f"--since=@{cluster.since:.3f}",
                                      "MAINSTAY_STATE=ONLINE", f"MESSAGE_ID={message_ids()['STATE_CHANGED']}"]).stdout
    assert "The node is ONLINE now" in online, online


def explained(node, since):
    """What the agent said, with the explanations, which must be whole."""
    listed = node.run("journalctl --no-pager --list-catalog").stdout
    assert all(number in listed for number in message_ids().values()), f"{node.name} lacks entries of the catalog"
    told = node.run(["journalctl", "--no-pager", "--quiet", "-x", "--unit=mainstayd", f"--since=@{since:.3f}"]).stdout
    assert "Defined-By: Mainstay" in told, told
    assert not re.search(r"@?MAINSTAY_[A-Z]", told), f"{node.name} says: {told}"
    return told


@scenario(kind=Service)
def history_tells_why_a_replica_was_recovered(service):
    """What the policy had done, and what each node was then; also of a job that outlived its agent."""
    began = time.time()
    db2 = service.node("db2")
    service.ctl("db1", "policy", "automatic")
    with service.ledger:
        breakage.mistake_password(service, "db2")
        service.wait_state("db2", "FAILED")
        service.wait_state("db2", "ONLINE")
        breakage.reset_replication(service, "db2")
        service.wait_state("db2", "OFFLINE")
        service.ctl("db1", "repoint", "db2", "--no-wait")
        db2.run("sleep 0.3; systemctl kill -s KILL mainstayd", check=False)
        service.wait(lambda: "is done" in db2.run(["mainstayctl", "job", "show"], check=False).stdout, "the job to be done")
        service.wait_state("db2", "ONLINE")
    service.check()
    told = [entry for entry in json.loads(db2.run("mainstayctl history --json --lines=0").stdout) if entry["time"] >= began * 1e6]
    mended = of_kind(told, "job-begun")[0]
    assert (mended["job_kind"], mended["caller"], mended["peers"]) == ("recover", "the policy", ["db1"]), mended
    then = {node["node"]: node for node in mended["evidence"]["nodes"]}
    assert then["db2"]["state"] == "FAILED" and then["db2"]["reason"] and then["db1"]["role"] == "primary", mended
    assert mended["job"] in [entry["job"] for entry in of_kind(told, "job-done")], told
    assert "root on db1" in {entry["caller"] for entry in of_kind(told, "job-begun")}, told
    shown = db2.run("mainstayctl history db2 --lines=0 --verbose").stdout
    assert "db2: replica of db1, FAILED: " in shown and "db1: primary, ONLINE" in shown, shown
    explained(db2, began)


@scenario
def history_tells_that_a_person_is_awaited(cluster):
    """All are stopped by hand: nothing goes on by itself, and the journal says so, and why."""
    with cluster.ledger:
        cluster.stop_one_by_one("db3", "db1", "db2")
    said = cluster.wait(lambda: of_kind(history(cluster, "db2"), "awaits-you"), "db2 to say that it waits for a person")[-1]
    assert said["leader"] == "db2" and said["evidence"]["action"] == "bootstrap" and "systemctl start mainstay-bootstrap" in said["text"], said
    assert "waits for a person" in explained(cluster.node("db2"), cluster.since)
    cluster.node("db2").run("mainstayctl bootstrap", timeout=120)
    cluster.start_by_hand("db1", "db3")
    cluster.check()


@scenario
def history_tells_of_a_start_without_an_agent(cluster):
    """The gate says so itself, as whomever it runs."""
    db3 = cluster.node("db3")
    db3.run("systemctl mask --runtime mainstayd; systemctl stop mainstayd")
    try:
        db3.run("systemctl restart mariadb", timeout=120)
        alone, = of_kind(history(cluster, "db3"), "no-agent")
        assert alone["node"] == "db3" and "starts as a joiner" in alone["text"], alone
    finally:
        db3.run("systemctl unmask --runtime mainstayd; systemctl start mainstayd")
    cluster.check()


@scenario
def history_is_for_those_who_may_read_it_and_from_those_who_may_write_it(cluster):
    """Who may not read the journal is told so, and not shown an empty one; what anybody else
    writes there in Mainstay's name counts for nothing. Of another host it is asked through ssh."""
    db1, db2 = cluster.nodes("db1", "db2")
    done = db1.run("runuser -u nobody -- mainstayctl history", check=False)
    assert done.returncode == 1 and "systemd-journal" in done.stderr and not done.stdout, f"{done.stdout}{done.stderr}"
    done = db1.run("runuser -u nobody -g nogroup -G systemd-journal -- mainstayctl history --json", check=False)
    assert done.returncode == 0 and json.loads(done.stdout), f"{done.stdout}{done.stderr}"

    forged = ["MESSAGE=" + FORGED, "MESSAGE_ID=" + message_ids()["OVERRULED"], "MAINSTAY_NODE=db1", "MAINSTAY_WITHOUT=all"]
    db1.run(["runuser", "-u", "nobody", "--", "logger", "--journald"], input="\n".join(forged) + "\n")
    cluster.wait(lambda: FORGED in db1.run(["journalctl", "--no-pager", "-o", "cat", "MAINSTAY_WITHOUT=all"]).stdout,
                 "the forged message to be in the journal")
    assert FORGED not in db1.run("mainstayctl history --lines=0").stdout, "a forged decision is shown"

    db1.run("mainstayctl policy manual")
    try:
        cluster.wait(lambda: of_kind(history(cluster, "db2"), "policy"), "db2 to have heard of the policy")
        said, = of_kind(history(cluster, "db1", "db1"), "policy")
        assert said["caller"] == "root on db1" and said["policy"] == "manual", said
        heard, = of_kind(history(cluster, "db2", "db1"), "policy")
        assert heard["origin"] == "db1" and heard["peers"] == ["db1"], heard
    finally:
        db1.run("mainstayctl policy automatic")

    let_in(db1, db2)
    there = json.loads(db1.run("mainstayctl -H root@db2 history --json -n 3").stdout)
    assert len(there) == 3 and {entry["node"] for entry in there} == {"db2"}, there
    done = db1.run("mainstayctl -H root@nowhere.invalid history", check=False)
    assert done.returncode == 1 and "mainstayctl history" in done.stderr, done.stderr


def let_in(node, other):
    """root of `node` may log in at `other`."""
    key = node.run("test -f /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub").stdout
    other.run("mkdir -p -m 700 /root/.ssh && cat >> /root/.ssh/authorized_keys", input=key)
    try:
        node.run(f"ssh -o StrictHostKeyChecking=accept-new {other.name} true")
    except LabError as error:
        raise AssertionError(f"{node.name} cannot log in at {other.name}: {error}") from error

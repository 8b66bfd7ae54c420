"""Nodes that come back into a cluster that serves: how is known beforehand, and
followed as it happens."""

import re
import time

from cluster import PATIENT
from doubt import main_pid
from marks import own_directory
from scenario import scenario
from table import DONOR

STALL = 10       # seconds, as configured for the node that receives
# Of systemd, for a start of mysqld. MariaDB asks for more time every 30 s, the
# first time 30 s after it began to wait for the state transfer.
START_LIMIT = 60

# No donor gets through to the node that is to receive.
REFUSE_COPY = """
table inet copy {
    chain in { type filter hook input priority 0; tcp dport 4444 reject with tcp reset; }
}
"""
PAUSE = 10       # seconds, after the second failure in a row
BACKS_OFF = re.compile(r"failed to join 2 times in a row; it tries again at \d\d:\d\d:\d\d\. .* To try at once: mainstayctl join")


def forecast(cluster, node, of="db1"):
    """What the plan of `of` says about a node."""
    return " ".join(reason["text"] for reason in cluster.plan(of).get("reasons", [])
                    if reason["node"] == node)


@scenario
def the_plan_says_ist_or_sst_and_so_it_comes(cluster):
    """A node that is stopped is told by the others' caches how it will join."""
    with cluster.ledger:
        cluster.write_some()
        cluster.stop_one_by_one("db3")
        cluster.write_some(through="db1")
        cluster.wait(lambda: "by IST: it lacks" in forecast(cluster, "db3"), "the plan to say IST")
        cluster.node("db3").run(["mainstayctl", "join"], timeout=120)
        assert "IST received" in cluster.said("db3", "mariadb"), "db3 did not receive an IST"

        cluster.stop_one_by_one("db3")
        # More than a donor sends of what was before, for the sake of its index.
        fill(cluster.node("db1"), 3000)
        # The others lose their caches, one after the other.
        for name, other in (("db2", "db1"), ("db1", "db2")):
            node = cluster.node(name)
            node.run(["systemctl", "stop", "mariadb"], timeout=120)
            node.run(["rm", "/var/lib/mysql/galera.cache"])
            cluster.write_some(through=other)
            node.run(["mainstayctl", "join"], timeout=120)
            cluster.wait_synced("db1", "db2")
        cluster.wait(lambda: "(SST): its data end at seqno" in forecast(cluster, "db3"),
                     "the plan to say SST")
        failed_at = fails_twice(cluster, cluster.node("db3"))
        said = len(cluster.said("db3", "mariadb"))
        join_at_once(cluster, cluster.node("db3"), failed_at, "--donor", "db2")
        assert "rsync SST completed on joiner" in cluster.said("db3", "mariadb")[said:], \
            "db3 did not receive a full copy"
        assert "requested state transfer from 'db2,'" in cluster.said("db3", "mariadb")[said:], \
            "it was not asked of db2"
    cluster.check()


def fill(node, transactions):
    """So many, quickly, beside the ledger."""
    node.run("mariadb -e 'CREATE DATABASE IF NOT EXISTS fill; CREATE TABLE IF NOT EXISTS fill.t (id BIGINT AUTO_INCREMENT PRIMARY KEY)'; "
             f"yes 'INSERT INTO fill.t VALUES (NULL);' | head -n {transactions} | mariadb", timeout=120)


def fails_twice(cluster, node):
    """Its full copy fails, and so does the one that it tries by itself: it says how often,
    and when it tries again. Returns when the second one failed."""
    node.run("nft -f -", input=REFUSE_COPY)
    try:
        assert node.run(["systemctl", "start", "mariadb"], check=False, timeout=PATIENT).returncode != 0
        cluster.wait(lambda: cluster.ask(node.name, "report").get("join_failures") == 2, f"{node.name} to fail twice")
        failed_at = time.monotonic()
    finally:
        node.run("nft delete table inet copy")
    cluster.wait_said(node.name, f"2 times in a row. It is tried again in {PAUSE} s")
    cluster.wait(lambda: BACKS_OFF.search(" ".join(node.run(["mainstayctl", "status"]).stdout.split())),
                 f"the status of {node.name} to say how often it failed, and when it tries again")
    assert cluster.ask(node.name, "report").get("resting"), f"{node.name} does not rest"
    return failed_at


def join_at_once(cluster, node, failed_at, *words):
    """It does not rest when a person says join, and begins to count anew."""
    node.run(["mainstayctl", "join", "--no-wait", *words])
    cluster.wait(lambda: main_pid(node, "mariadb") != "0", f"{node.name}'s mysqld to be started")
    assert time.monotonic() < failed_at + PAUSE, f"{node.name} has rested all the same"
    assert "join_failures" not in cluster.ask(node.name, "report")
    cluster.wait_synced()


@scenario
def a_donor_that_cannot_be_one_is_refused(cluster):
    """The name of a node that is not Primary, or not there, changes nothing."""
    cluster.stop_one_by_one("db2", "db3")
    for donor, why in (("db2", "not in the Primary component"), ("db3", "is this node"),
                       ("db9", "no node db9"), ("$x", "name of a node")):
        done = cluster.node("db3").run(["mainstayctl", "join", "--donor", donor], check=False)
        assert done.returncode != 0 and why in done.stdout + done.stderr, \
            f"--donor {donor}: {done.stdout}{done.stderr}"
    assert cluster.state("db3") == "OFFLINE"
    for name in ("db2", "db3"):
        cluster.node(name).run(["mainstayctl", "join"], timeout=120)
    cluster.check()


@scenario
def one_that_needs_a_full_copy_comes_last_and_may_take_it_from_the_one_before(cluster):
    """Two are stopped, and one has lost its data: the other joins by IST first, and is
    then Synced and the donor."""
    db3 = cluster.node("db3")
    db3.run("mkdir -p /etc/mainstay/conf.d; printf '[node]\\ndonor = db2\\n' > /etc/mainstay/conf.d/donor.conf; systemctl reload mainstayd")
    try:
        with cluster.ledger:
            cluster.stop_one_by_one("db2", "db3")
            db3.run("find /var/lib/mysql -mindepth 1 -delete")
            cluster.write_some(through="db1")
            for name, way in (("db2", "by IST: it lacks"), ("db3", "full state transfer (SST)")):
                cluster.wait(lambda: way in forecast(cluster, name), f"the plan to say of {name}: {way}")
            cluster.start_by_hand("db2")
            cluster.wait(lambda: wanted(cluster, "db2", of="db3"), "db3 to know that db2 is on its way")
            cluster.start_by_hand("db3")
            for name in ("db2", "db3"):
                cluster.write_some(through=name)
    finally:
        db3.run("rm /etc/mainstay/conf.d/donor.conf; systemctl reload mainstayd")
    assert "db2 is on its way in, and a donor serves one at a time: it goes next." in cluster.said("db3")
    assert "IST received" in cluster.said("db2", "mariadb"), "db2 did not receive an IST"
    assert "rsync SST completed on joiner" in cluster.said("db3", "mariadb"), "db3 did not receive a full copy"
    # Nobody takes anything from one that is behind.
    donors = DONOR.findall(cluster.said("db1", "mariadb"))
    assert donors == [("db2", "db1", "SYNCED"), ("db3", "db2", "SYNCED")], donors
    cluster.check()


def wanted(cluster, name, of):
    """Whether `of` has heard that this node is to start, or starts."""
    for peer in cluster.ask(of, "status").get("peers", []):
        if peer.get("node") == name:
            return peer["report"]["wanted"]
    return False


@scenario
def a_slow_full_copy_is_followed_and_never_killed(cluster):
    """A full copy that takes longer than systemd's patience with a start comes to
    its end, is shown as it comes, and is reported where it stands still."""
    db3 = cluster.node("db3")
    db3.run(["sh", "-c", f"""
        systemctl stop mariadb
        mv /var/lib/mysql/grastate.dat /var/lib/mysql/grastate.bad
        mkdir -p /run/systemd/system/mariadb.service.d /etc/mainstay/conf.d
        printf '[Service]\\nTimeoutStartSec={START_LIMIT}\\n' > /run/systemd/system/mariadb.service.d/slow.conf
        printf '[agent]\\nsst_stall = {STALL}\\n' > /etc/mainstay/conf.d/stall.conf
        systemctl daemon-reload
        systemctl reload mainstayd
        nft add table inet slow
        nft 'add chain inet slow in {{ type filter hook input priority 0; }}'
        nft add rule inet slow in tcp dport 4444 limit rate over 300 kbytes/second drop
    """], timeout=120)
    try:
        cluster.wait(lambda: "(SST)" in forecast(cluster, "db3"), "the plan to say SST")
        began = time.monotonic()
        db3.run(["systemctl", "start", "--no-block", "mainstay-join"])
        cluster.wait(lambda: "receiving a full copy (SST) from db" in cluster.status_line("db3", "mainstayd"),
                     "systemctl status to show how it goes on", interval=0.5)
        cluster.wait(lambda: "a second, for" in cluster.ask("db3", "status").get("waiting", ""),
                     "status to tell how fast it goes", interval=0.5)

        db3.run(["nft", "insert rule inet slow in tcp dport 4444 drop"])
        cluster.wait_said("db3", "stands still")
        cluster.wait(lambda: "stands still" in cluster.ask("db3", "status").get("waiting", ""),
                     "status to say that it stands still")
        assert cluster.said("db3").count("stands still") == 1, "it was reported more than once"
        cluster.wait(lambda: time.monotonic() > began + START_LIMIT + 15,
                     "systemd to lose its patience", interval=1)
        assert cluster.node("db3").run(["systemctl", "is-active", "mariadb"], check=False).stdout.strip() == "activating"
        db3.run(["nft", "flush chain inet slow in"])
        cluster.wait_synced()
    finally:
        db3.run(["sh", "-c", "nft delete table inet slow; rm /run/systemd/system/mariadb.service.d/slow.conf "
                             "/etc/mainstay/conf.d/stall.conf; systemctl daemon-reload; systemctl reload mainstayd"],
                check=False)
    assert "rsync SST completed on joiner" in cluster.said("db3", "mariadb"), "db3 did not receive a full copy"
    assert "start operation timed out" not in cluster.said("db3", "mariadb"), "systemd gave up"
    cluster.check()


@scenario
def a_member_is_provisioned_from_a_named_donor(cluster):
    """Though nothing is wrong with it: asked on another node, its data are set aside, and it takes a full copy."""
    db3 = cluster.node("db3")
    own_directory(db3)
    with cluster.ledger:
        cluster.write_some()
        for words, answer in {("db3", "--source", "db3"): "db3", ("db3", "--source", "db9"): "db9", ("db3", "--method", "clone"): "sst",
                              ("commit", "db3"): "removes them"}.items():
            done = cluster.node("db1").run(["mainstayctl", "provision", *words], check=False)
            assert done.returncode == 1 and answer in done.stderr, f"{words}: {done}"
        said = cluster.node("db1").run(["mainstayctl", "provision", "db3", "--source", "db2"]).stdout
        assert "full copy (SST) of db2" in said, said
        cluster.wait(lambda: "This node is back in the cluster, with a full copy" in cluster.said("db3"), "db3 to be back")
        cluster.write_some(through="db3")
    cluster.check()
    assert ("db3", "db2", "SYNCED") in DONOR.findall(cluster.said("db2", "mariadb")), "db2 was no donor"
    aside = db3.run("ls -d /var/lib/mysql.mainstay-*").stdout.split()
    assert len(aside) == 1, aside
    db3.run(["rm", "-r", *aside])


@scenario
def one_that_waits_for_a_donor_in_vain_is_ended_by_a_person(cluster):
    """It was let start, and before any node could serve it the Primary component is gone: it
    asks for ever, tells nobody of that, and does not stop when it is told to. The plan says
    whom that holds up, and what ends it."""
    with cluster.ledger:
        cluster.stop_one_by_one("db3")
        cluster.write_some()
        for name in ("db1", "db2"):
            cluster.node(name).rows("SET GLOBAL wsrep_desync = ON")
        cluster.node("db3").run("systemctl start --no-block mariadb")
        cluster.wait(lambda: "Requesting state transfer failed" in cluster.said("db3", "mariadb"), "db3 to ask for a donor in vain")
    for name in ("db1", "db2"):
        cluster.node(name).run("systemctl kill -s KILL mariadb")
    command = "systemctl kill --signal=KILL mariadb"
    cluster.wait(lambda: any(command in reason["text"] for reason in cluster.plan("db1").get("reasons", [])), "db1 to say what ends it")
    cluster.node("db3").run(command)
    cluster.wait_synced()
    cluster.check()

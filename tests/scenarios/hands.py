"""What people type: the old habits, and the verbs."""

import subprocess
import time

from cluster import PATIENT
from doubt import main_pid
from scenario import scenario

ORDERS = [
    # who is stopped, one after another; who is started, at the same moment
    (("db1", "db2", "db3"), ("db1", "db2", "db3")),
    (("db3", "db2", "db1"), ("db3", "db2", "db1")),
    (("db1", "db3", "db2"), ("db3", "db1", "db2")),
]

BOOT_CONF = "etc/mainstay/conf.d/boot.conf"
BOOT_WAIT = 2    # seconds, as configured

# What apt does for as long as it installs: here, until its input ends.
HOLD_DPKG = """\
use Fcntl qw(:DEFAULT :seek);
open(my $file, ">>", "/var/lib/dpkg/lock-frontend") or die $!;
my $lock = pack("s! s! x4 q q i", F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die $!;
syswrite(STDOUT, "held\\n");
<STDIN>;
"""


@scenario
def started_by_hand_in_any_order_the_newest_leads(cluster):
    """`systemctl start mariadb` everywhere at the same moment, in several orders."""
    for stopped, started in ORDERS:
        cluster.make_whole()
        with cluster.ledger:
            cluster.stop_one_by_one(*stopped)
        cluster.start_by_hand(*started)
        cluster.check_led(stopped[-1])
        cluster.check()


@scenario
def a_start_by_a_package_script_does_not_wait_for_peers_that_are_down(cluster):
    """While packages are installed the gate holds nobody up for longer than configured;
    mysqld is started when the peer is back."""
    db1 = cluster.node("db1")
    db1.run(f"mkdir -p /etc/mainstay/conf.d; printf '[agent]\\nboot_wait = {BOOT_WAIT}\\n' > /{BOOT_CONF}; systemctl reload mainstayd")
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    cluster.lab.stop("db3")
    installer = db1.spawn(["perl", "-e", HOLD_DPKG], stdin=subprocess.PIPE)
    try:
        assert installer.stdout.readline() == "held\n", "dpkg's lock cannot be taken"
        cluster.start_by_hand("db2")    # nobody installs anything there
        began = time.monotonic()
        done = db1.run(["systemctl", "start", "mariadb"], check=False, timeout=PATIENT)
        assert done.returncode != 0, "db1 has started without db3"
        assert time.monotonic() < began + BOOT_WAIT + 10, "the package script was held up"
        cluster.wait_said("db1", "The installation of packages is not held up any longer; Mainstay starts mysqld when its time has come", "mariadb")
        cluster.check_nobody_led(2)
        cluster.wait(lambda: "Waiting for db3" in cluster.status_line("db2"), "db2's start to wait for db3")
        cluster.lab.boot("db3")
        cluster.wait_synced()
    finally:
        installer.communicate("")
        db1.run(f"rm /{BOOT_CONF}; systemctl reload mainstayd")
    cluster.check_led("db3")
    cluster.check()


@scenario
def galera_new_cluster_on_the_wrong_node_is_refused(cluster):
    """Typed by hand where the data are older, it starts nothing and says what to type."""
    with cluster.ledger:
        cluster.stop_one_by_one("db2", "db3", "db1")
    done = cluster.node("db2").run(["galera_new_cluster"], check=False)
    assert done.returncode != 0, "galera_new_cluster succeeded on db2"
    cluster.check_nobody_led(2)
    for words in ("galera_new_cluster", "On db1, type: systemctl start mainstay-bootstrap"):
        cluster.wait_said("db2", words, "mariadb")
    bootstrap_and_join(cluster, "db1", "db2", "db3")


@scenario
def a_bootstrap_flag_left_behind_on_two_nodes_forms_no_second_cluster(cluster):
    """What galera_new_cluster sets for systemd stays there: it does not outlive a power
    cut, and at a start by hand its node is refused, and told what to remove."""
    flagged = ["db1", "db2"]
    cluster.on_all(leave_flag, *flagged)
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    cluster.check_formed_once()
    cluster.check()

    cluster.since = time.time()
    cluster.on_all(leave_flag, *flagged)
    try:
        with cluster.ledger:
            cluster.stop_one_by_one("db1", "db2", "db3")
            cluster.start_by_hand("db1", "db2", "db3")
            cluster.write_some(through="db3")
        refused_for_its_flag(cluster, *flagged)
        # Nor beside the one that serves.
        cluster.start_by_hand(*flagged)
        for name in flagged:
            cluster.wait_said(name, "db3 serves the cluster already", "mariadb")
        refused_for_its_flag(cluster, *flagged)
        cluster.check_led("db3")
    finally:
        cluster.on_all(remove_flag)
    cluster.start_by_hand(*flagged)
    cluster.check()
    cluster.check_led("db3")


@scenario
def a_bootstrap_flag_left_behind_on_the_node_that_leads_is_no_obstacle(cluster):
    """It is refused at a start by hand there as well; and what the message says to type
    forms the cluster, with the flag in place."""
    flagged = ["db1", "db2"]
    cluster.on_all(leave_flag, *flagged)
    try:
        with cluster.ledger:
            cluster.stop_one_by_one("db1", "db3", "db2")
        cluster.start_by_hand("db1", "db2", "db3")
        refused_for_its_flag(cluster, *flagged)
        cluster.check_nobody_led(2)
        cluster.wait_said("db1", "On db2, type: systemctl start mainstay-bootstrap", "mariadb")
        cluster.node("db2").run(["systemctl", "start", "mainstay-bootstrap"], timeout=PATIENT)
        cluster.wait_synced("db2", "db3")
        refused_for_its_flag(cluster, "db1")
    finally:
        cluster.on_all(remove_flag)
    cluster.start_by_hand("db1")
    cluster.check()
    cluster.check_led("db2")


def leave_flag(node):
    node.run(["systemctl", "set-environment", "_WSREP_NEW_CLUSTER=--wsrep-new-cluster"])


def remove_flag(node):
    node.run(["systemctl", "unset-environment", "_WSREP_NEW_CLUSTER"])


def refused_for_its_flag(cluster, *names):
    for name in names:
        cluster.wait_said(name, "A bootstrap by hand (galera_new_cluster) is refused", "mariadb")
        cluster.wait(lambda: cluster.node(name).run(["systemctl", "is-active", "mariadb"], check=False).stdout.strip() == "failed",
                     f"mysqld not to be started on {name}")


@scenario
def a_bootstrap_asked_for_on_a_node_behind_is_refused(cluster):
    """`systemctl start mainstay-bootstrap` fails, and its journal names who should lead."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    refused(cluster, "db1", "On db3, type: systemctl start mainstay-bootstrap")
    refused(cluster, "db2", "db3 should lead, not this node")
    cluster.check_nobody_led()
    bootstrap_and_join(cluster, "db3", "db1", "db2")


@scenario
def a_bootstrap_asked_for_beside_a_primary_is_refused(cluster):
    """While the cluster is up nobody forms a second one, in it or beside it."""
    with cluster.ledger:
        refused(cluster, "db1", "This node is Primary already")
        cluster.node("db3").run(["systemctl", "stop", "mariadb"], timeout=60)
        refused(cluster, "db3", "a second one is never formed")
        refused(cluster, "db3", "systemctl start mainstay-join")
        cluster.node("db3").run(["systemctl", "start", "mainstay-join"], timeout=PATIENT)
        cluster.write_some(through="db3")
    assert cluster.leaders() == [], f"led: {cluster.leaders()}"
    cluster.check()


def refused(cluster, name, words):
    done = cluster.node(name).run(["systemctl", "start", "mainstay-bootstrap"], check=False)
    assert done.returncode != 0, f"mainstay-bootstrap succeeded on {name}"
    cluster.wait(lambda: words in " ".join(cluster.said(name, "mainstay-bootstrap").split()),
                 f"the journal of mainstay-bootstrap on {name} to say {words!r}")


def bootstrap_and_join(cluster, leader, *others):
    """What the messages say to type."""
    cluster.node(leader).run(["systemctl", "start", "mainstay-bootstrap"], timeout=PATIENT)
    cluster.start_by_hand(*others)
    cluster.check_led(leader)
    cluster.check()


def lose_db3(cluster):
    """db3 takes a commit alone and is cut; the others go on without it, by an operator's word."""
    with cluster.ledger:
        cluster.write_some()
    cluster.stop_one_by_one("db1", "db2")
    # Not in the ledger: these are the ones that will be given up.
    db3 = cluster.node("db3")
    db3.rows("CREATE TABLE lab.given_up (n int PRIMARY KEY); INSERT INTO lab.given_up VALUES (1)")
    cluster.lab.stop("db1", "db2")
    cluster.lab.cut("db3")

    cluster.lab.boot("db1", "db2")
    for name in ("db1", "db2"):
        cluster.wait_awaits(name, ["db3"])
        reasons = " ".join(reason["text"] for reason in cluster.plan(name)["reasons"])
        assert "mainstayctl bootstrap --without db3" in reasons, reasons
        cluster.wait(lambda: all(words in cluster.unit_status(name) for words in (
            "Waiting for db3", "--without db3")), f"`systemctl status mariadb` on {name} to name db3")
    cluster.check_nobody_led(3)

    plan = cluster.plan("db1", "--without", "db3")
    assert (plan["action"], plan["node"]) == ("bootstrap", "db2"), plan
    cluster.node("db2").run(["mainstayctl", "bootstrap", "--without", "db3"], timeout=PATIENT)
    cluster.check("db1", "db2")
    cluster.check_led("db2")


@scenario
def given_up_by_name_a_node_with_commits_of_its_own_stays_out(cluster):
    """The last one alone stays away: nobody leads until an operator gives it up."""
    db3 = cluster.node("db3")
    lose_db3(cluster)

    cluster.lab.boot("db3")
    cluster.wait(lambda: cluster.state("db3") == "SHUNNED", "db3 to be SHUNNED")
    cluster.wait(lambda: "diverged" in cluster.unit_status("db3"), "db3 to say why it stays out")
    assert not cluster.is_primary("db3")
    cluster.check("db1", "db2")
    assert db3.path("var/lib/mysql/grastate.dat").exists()

    # And the way back, as the message says.
    db3.run("systemctl stop mariadb; mv /var/lib/mysql /var/lib/mysql.aside; "
            "install -d -o mysql -g mysql -m 755 /var/lib/mysql; systemctl start mariadb",
            timeout=PATIENT)
    cluster.check()


@scenario
def in_manual_a_person_starts_the_recovery(cluster):
    """All three lose power under the policy manual: the plan is shown, and one command does it."""
    policy(cluster, "db1", "manual")
    with cluster.ledger:
        cluster.write_some()
    cluster.lab.cut()
    # On one the boot is not held up until the person comes.
    conf = cluster.node("db3").path(BOOT_CONF)
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(f"[agent]\nboot_wait = {BOOT_WAIT}\n")
    cluster.lab.boot()
    names = [node.name for node in cluster.nodes()]
    cluster.wait(lambda: all(cluster.plan(name).get("action") == "bootstrap" for name in names), "a plan")
    leader = cluster.plan("db1")["node"]
    words = "The policy is manual: a person starts it"
    for name in names:
        cluster.wait(lambda: words in " ".join(cluster.unit_status(name, "mainstayd").split()),
                     f"the status of mainstayd on {name} to say who starts it")
        shown = cluster.node(name).run(["mainstayctl", "plan"]).stdout
        assert f"{leader} leads. {words}, on {leader}" in " ".join(shown.split()), shown
        status = cluster.node(name).run(["mainstayctl", "status"]).stdout
        assert "The policy is manual, set on db1" in " ".join(status.split()), status
    cluster.wait_said("db3", "The boot is not held up any longer", "mariadb")
    cluster.check_nobody_led(3)

    done = cluster.node(leader).run(["mainstayctl", "bootstrap"], timeout=PATIENT)
    assert "The cluster is formed" in done.stdout, done.stdout
    cluster.check_formed_once()
    cluster.check()
    conf.unlink()
    assert cluster.ask("db2", "policy")["policy"] == "manual"

    # Maintenance does not even obey.
    policy(cluster, "db3", "maintenance")
    refused(cluster, "db1", "mainstayctl policy manual")
    policy(cluster, "db3", "automatic")


def policy(cluster, name, policy):
    """Sets it on one node; all others have taken it over when the command ends."""
    said = cluster.ask(name, "policy", policy)
    assert said.get("policy") == policy and not said["differ"] and not said["unheard"], said


@scenario
def two_operators_in_the_same_second_get_one_cluster(cluster):
    """Both give up the third node, then even each other: one leads, and the other is told."""
    names = cluster.lab.names()
    for given_up in ({"db1": "db3", "db2": "db3"}, {"db1": "db2,db3", "db2": "db1,db3"}):
        with cluster.ledger:
            cluster.write_some()
            # Nobody is to start them but the two.
            cluster.on_all(lambda node: node.run(["systemctl", "disable", "mariadb"]))
            with cluster.between_writes():
                cluster.lab.cut()
        cluster.lab.boot("db1", "db2")
        for name in given_up:
            cluster.wait_awaits(name, ["db3"])
        cluster.since = time.time()
        done = cluster.on_all(lambda node: node.run(
            ["mainstayctl", "bootstrap", "--without", given_up[node.name]], check=False, timeout=PATIENT), *given_up)
        led = cluster.leaders()
        assert len(led) == 1, f"led: {led}; {done}"
        for name, answer in done.items():
            if name != led[0]:
                assert answer.returncode == 1 and led[0] in answer.stderr, answer
        cluster.node(names[names[0] == led[0]]).run(["mainstayctl", "join"], timeout=PATIENT)
        cluster.check("db1", "db2")

        cluster.lab.boot("db3")
        cluster.start_by_hand("db3")
        cluster.on_all(lambda node: node.run(["systemctl", "enable", "mariadb"]))
        assert cluster.leaders() == led, f"led: {cluster.leaders()}"
        cluster.check()


@scenario
def a_node_is_drained_and_brought_back(cluster):
    """`drain` takes it out of service, waits until the last client has left, and stops nothing."""
    node = cluster.node("db2")
    with cluster.ledger:
        sleeper = node.spawn(["mariadb", "-e", "SELECT SLEEP(1000)"])
        cluster.ledger.stop()
        drain = node.spawn(["mainstayctl", "drain"])
        cluster.wait(lambda: cluster.state("db2") == "OFFLINE", "db2 to be OFFLINE")
        time.sleep(3)
        assert drain.poll() is None, "somebody is connected"
        (sleeping,), = node.rows("SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(1000)'")
        node.rows(f"KILL {sleeping}")
        assert drain.wait(PATIENT) == 0
        sleeper.wait(PATIENT)
        node.run(["mainstayctl", "online"])
        cluster.ledger.start()
        cluster.write_some()
    cluster.check()


@scenario
def one_shut_down_slowly_stays_down(cluster):
    """`mariadb-admin shutdown` of a server that has much to write: it has left the cluster,
    runs on for a while, and is not started anew when it ends."""
    db3 = cluster.node("db3")
    views = db3.path("var/lib/mainstay/server/views")
    pid = main_pid(db3, "mariadb")
    shutdown = db3.spawn(["mariadb-admin", "shutdown"])
    cluster.wait(lambda: "disconnected" in views.read_text().splitlines()[-1], "db3 to leave", interval=0.005)
    db3.run(["kill", "-STOP", pid])
    time.sleep(45)
    db3.run(["kill", "-CONT", pid])
    shutdown.wait()
    cluster.wait(lambda: cluster.ask("db3", "report")["mysqld"] == "stopped", "db3 to end")
    time.sleep(3)
    report = cluster.ask("db3", "report")
    assert report["mysqld"] == "stopped" and not report["wanted"], report
    cluster.start_by_hand("db3")
    cluster.check()

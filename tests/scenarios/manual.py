"""What the manual pages say, typed as it stands there. For each part of the tutorial,
mainstay(7), its disaster; for the examples of the other pages a cluster that is whole,
where nothing else is said here. What is typed on bare machines is not typed here."""

import re

import breakage
from lablib.flavour import REPLICATION_PASSWORD
from lablib.manual import manual_examples, manual_follow, manual_pages

from cluster import GRASTATE, PATIENT, Cluster
from hands import leave_flag
from marks import evict_db3, marks, own_directory, wait_marked
from provision import spoil
from replication import Service
from scenario import scenario

TUTORIAL = "mainstay.7"

# Of other pages: the examples that want their node's server stopped, those that want all
# servers stopped, db3's last, those that are tried elsewhere, and those of servers that
# replicate without Galera.
STOPPED = [("mainstay-recover.8", "Ask the stopped")]
ALL_STOPPED = [("mainstay-bootstrap.service.8", "All servers are stopped")]
ELSEWHERE = [("mainstay-health.8", "")]    # health.py
REPLICAS = [("mainstay-backup.8", ""), ("mainstay-provision.8", "What would be done"), ("mainstay-replicator.8", "")]

CREATED = re.compile(r"cat > (\S+) <<")


def scenario_of_replicas(function):
    """The unit of the server is called as the pages have it where that is MariaDB."""
    return scenario(function, kind=Service, images=Cluster.IMAGES)


def follow(cluster, heading):
    """Types what the tutorial says in this part."""
    examples = manual_examples(TUTORIAL, heading)
    assert examples, f"{TUTORIAL} has no part {heading}"
    for example in examples:
        manual_follow(cluster.lab, example)


def follow_all(cluster, examples):
    assert examples
    for example in examples:
        try:
            manual_follow(cluster.lab, example)
        finally:
            unmake(cluster, example)
            cluster.make_whole()


def unmake(cluster, example):
    """Removes the files of configuration that an example has made."""
    for step in example.steps:
        if created := CREATED.match(step.command):
            for name in step.nodes:
                cluster.node(name).run(f"rm -f {created[1]}; systemctl reload mainstayd")
                cluster.wait(lambda: cluster.hears_all(cluster.node(name)), f"{name} to hear all others")


def among(example, listed):
    return any(example.page == page and example.title.startswith(title) for page, title in listed)


def of_other_pages(listed):
    return [example for page in manual_pages() if page != TUTORIAL for example in manual_examples(page) if among(example, listed)]


# The other pages.

@scenario
def what_the_pages_show_is_so(cluster):
    """Every example of every page, in a cluster that is whole."""
    follow_all(cluster, [example for page in manual_pages() if page != TUTORIAL for example in manual_examples(page)
                         if not among(example, STOPPED + ALL_STOPPED + REPLICAS + ELSEWHERE)])
    follow(cluster, "WHERE TO LOOK")
    follow(cluster, "EXAMPLES")
    cluster.check()


@scenario
def what_the_pages_show_of_stopped_servers_is_so(cluster):
    """Those that want the server of a node stopped, or all."""
    db1 = cluster.node("db1")
    db1.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
    for example in of_other_pages(STOPPED):
        manual_follow(cluster.lab, example)
    db1.run(["systemctl", "start", "mariadb"], timeout=PATIENT)
    for example in of_other_pages(ALL_STOPPED):
        cluster.make_whole()
        cluster.stop_one_by_one("db1", "db2", "db3")
        manual_follow(cluster.lab, example)
        cluster.check()


@scenario_of_replicas
def what_the_pages_show_of_replicas_is_so(service):
    """Those of servers that replicate without Galera."""
    follow_all(service, of_other_pages(REPLICAS))
    service.check()


# The disasters of a cluster.

@scenario
def tutorial_power(cluster):
    """All nodes have lost power, and nobody types anything."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    cluster.check()
    follow(cluster, "All nodes have lost power")


@scenario
def tutorial_crash(cluster):
    """One node loses power, and comes back."""
    with cluster.ledger:
        cluster.lab.cut("db3")
        cluster.write_some(through="db1")
        cluster.lab.boot("db3")
        follow(cluster, "One node has crashed")
    cluster.check()


@scenario
def tutorial_stopped(cluster):
    """All were stopped in good order."""
    with cluster.ledger:
        cluster.stop_one_by_one("db2", "db3", "db1")
    follow(cluster, "All nodes were stopped")
    cluster.check()
    cluster.check_led("db1")


@scenario
def tutorial_two_crashed(cluster):
    """Two are lost for good, and the third goes on."""
    with cluster.ledger:
        cluster.write_some()
    cluster.check()
    cluster.lab.cut("db2", "db3")
    cluster.wait_awaits("db1", ["db2", "db3"])
    follow(cluster, "Two of three have crashed")
    cluster.check("db1")
    cluster.lab.boot("db2", "db3")
    cluster.start_by_hand("db2", "db3")
    cluster.check()


@scenario
def tutorial_split(cluster):
    """One is cut off, and the network comes back."""
    db3 = cluster.node("db3")
    db3.link(False)
    cluster.wait(lambda: cluster.condition("db1", "db3") == "uncertain", "db3 not to be heard")
    cluster.wait_synced("db1", "db2")
    follow(cluster, "The network is split")
    db3.link(True)
    cluster.check()


@scenario
def tutorial_given_up(cluster):
    """One does not come back, and is given up by name; then it does, with commits of its own."""
    db3 = cluster.node("db3")
    own_directory(db3)
    cluster.make_whole()
    cluster.stop_one_by_one("db1", "db2")
    db3.rows("CREATE TABLE lab.given_up (n int PRIMARY KEY)")
    cluster.lab.cut("db3")
    cluster.wait_awaits("db1", ["db3"])
    cluster.wait_awaits("db2", ["db3"])
    follow(cluster, "A node does not come back")
    cluster.check("db1", "db2")
    cluster.lab.boot("db3")
    wait_marked(cluster, "db3", "diverged")
    cluster.wait(lambda: cluster.hears_all(db3), "db3 to hear from whom it can take a copy")
    follow(cluster, "A node has commits of its own")
    cluster.check()


@scenario
def tutorial_data_lost(cluster):
    """One has lost all its data."""
    cluster.node("db3").run("systemctl stop mariadb; rm -rf /var/lib/mysql", timeout=PATIENT)
    follow(cluster, "The data of a node are lost")
    cluster.check()


@scenario
def tutorial_transfer(cluster):
    """A full copy fails for want of a program, which is mended."""
    db3 = cluster.node("db3")
    db3.run("systemctl stop mariadb; rm -rf /var/lib/mysql; install -d -o mysql -g mysql -m 755 /var/lib/mysql; "
            "mv /usr/bin/rsync /usr/bin/rsync.away; systemctl start --no-block mariadb", timeout=PATIENT)
    cluster.wait(lambda: cluster.ask("db3", "status")["report"].get("join_failures", 0) > 0, "a join of db3 to fail")
    db3.run("mv /usr/bin/rsync.away /usr/bin/rsync")
    follow(cluster, "A full copy (SST) fails")
    cluster.check()


@scenario
def tutorial_inconsistent(cluster):
    """One was voted out."""
    own_directory(cluster.node("db3"))
    cluster.make_whole()
    evict_db3(cluster)
    follow(cluster, "A node is inconsistent")
    cluster.check()
    assert marks(cluster, "db3") == []
    cluster.node("db1").rows("DROP TABLE lab.vote")


@scenario
def tutorial_wrong_bootstrap(cluster):
    """galera_new_cluster is typed where the data are older."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    follow(cluster, "A bootstrap on the wrong node")
    cluster.check()
    cluster.check_led("db3")


@scenario
def tutorial_flag(cluster):
    """What galera_new_cluster sets was left behind."""
    db1 = cluster.node("db1")
    leave_flag(db1)
    db1.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
    assert db1.run(["systemctl", "start", "mariadb"], check=False, timeout=PATIENT).returncode != 0
    follow(cluster, "A bootstrap that was left behind")
    cluster.check()


@scenario
def tutorial_damaged(cluster):
    """A state file is damaged."""
    db3 = cluster.node("db3")
    own_directory(db3)
    cluster.make_whole()
    db3.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
    db3.path(GRASTATE).write_text("rubbish\n")
    cluster.start_by_hand("db3")
    cluster.wait(lambda: cluster.state("db3") == "FAILED", "db3 to be FAILED")
    follow(cluster, "A state file is damaged")
    cluster.check()


@scenario
def tutorial_agent(cluster):
    """An agent was stopped."""
    cluster.node("db3").run(["systemctl", "stop", "mainstayd"])
    follow(cluster, "The agent does not run")
    cluster.check()


# Those of a primary and its replicas.

@scenario_of_replicas
def tutorial_replicas(service):
    """How they are set up, said once more where they are."""
    for node in service.nodes():
        node.path("root/replicator.password").write_text(REPLICATION_PASSWORD + "\n")
    follow(service, "To set them up")
    service.make_whole()


@scenario_of_replicas
def tutorial_failed_replica(service):
    """One cannot reach its source with its password."""
    breakage.mistake_password(service, "db2")
    service.wait_state("db2", "FAILED")
    follow(service, "A replica has failed")
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_replicas
def tutorial_stopped_replica(service):
    """Somebody has stopped a thread of its replication."""
    breakage.stop_sql(service, "db2")
    service.wait_state("db2", "OFFLINE")
    follow(service, "Somebody stopped the replication")
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_replicas
def tutorial_purged_replica(service):
    """What it lacks is purged, so it takes a copy."""
    spoil(service, "db2")
    follow(service, "The data of a replica cannot go on")
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_replicas
def tutorial_shunned_replica(service):
    """One is left out, and taken in again."""
    follow(service, "A replica is to be left out for a while")
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_replicas
def tutorial_two_primaries(service):
    """A replica has begun to take writes."""
    service.check()
    node = service.node("db2")
    node.rows(f"{service.flavour.stop}; {service.flavour.forget}; SET GLOBAL {service.flavour.read_only} = OFF; SET GLOBAL read_only = OFF")
    service.wait(lambda: service.service("db1")["primary"]["verdict"] == "several", "two primaries to be seen")
    follow(service, "Two primaries")
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_replicas
def tutorial_wrong_source(service):
    """A replica follows another replica."""
    service.check()
    db3 = service.node("db3")
    db3.rows(service.flavour.stop)
    service.lab.follow(db3, "db2")
    service.wait(lambda: service.replication("db3").source == "db2", "db3 to follow db2")
    follow(service, "A replica follows the wrong node")
    assert service.replication("db3").source == "db1"
    service.check()


@scenario_of_replicas
def tutorial_primary_down(service):
    """Its server was stopped."""
    service.node("db1").run(["systemctl", "stop", service.flavour.unit], timeout=PATIENT)
    follow(service, "The primary is down")
    service.check()

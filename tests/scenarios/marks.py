"""Data that are not fit to lead, or to go into the cluster as they are."""

from cluster import PATIENT
from hands import lose_db3
from scenario import scenario

DATADIR = "var/lib/mysql"
ABORTED = ("# GALERA saved state\nversion: 2.1\nuuid:    00000000-0000-0000-0000-000000000000\n"
           "seqno:   -1\nsafe_to_bootstrap: 1\n")


@scenario
def an_evicted_node_is_kept_out_until_its_data_are_set_aside(cluster):
    """A node that lost the vote neither leads nor joins; `recover` keeps its data, and takes a copy."""
    db3 = cluster.node("db3")
    own_directory(db3)
    with cluster.ledger:
        evict_db3(cluster)
        assert cluster.state("db3") == "SHUNNED"
        # Neither by a start by hand nor by a boot, and whatever its file says.
        done = db3.run(["systemctl", "restart", "mariadb"], check=False, timeout=PATIENT)
        assert done.returncode != 0, "mysqld started with data that were voted out"
        assert "mainstayctl recover" in cluster.unit_status("db3"), cluster.unit_status("db3")
    wait_gone_on(cluster)
    stop_both(cluster)
    db3.run(f"sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' /{DATADIR}/grastate.dat")
    cluster.lab.cut("db3")
    cluster.lab.boot("db3")
    wait_marked(cluster, "db3", "inconsistent")
    refused(db3, "bootstrap")
    refused(db3, "recover", "--yes")    # there is nobody to take a copy from
    assert (db3.path(DATADIR) / "ibdata1").exists()
    cluster.start_by_hand("db1", "db2")
    cluster.check("db1", "db2")
    recover(cluster, db3)
    assert aside_has(db3, "lab/vote.ibd"), "the data set aside are not whole"
    cluster.check()
    assert db3.sql("SELECT n, v FROM lab.vote ORDER BY n") == "1\t1\n2\t3"
    rows(cluster, "db1", "DROP TABLE lab.vote")


@scenario
def a_transfer_cut_by_power_leaves_a_mark_until_the_next_is_whole(cluster):
    """Half of a copy never leads, with safe_to_bootstrap 1 either; the next start takes a fresh one."""
    db3 = cluster.node("db3")
    rows(cluster, "db1", "CREATE TABLE lab.bulk (n int AUTO_INCREMENT PRIMARY KEY, b longblob)")
    for _ in range(12):
        rows(cluster, "db1", "INSERT INTO lab.bulk (b) VALUES (REPEAT(MD5(RAND()), 250000))")
    db3.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
    db3.run(["systemctl", "disable", "mariadb"])
    grastate = db3.path(f"{DATADIR}/grastate.dat")
    db3.run(f"rm /{DATADIR}/grastate.dat")
    cluster.start_by_hand("db3")
    cluster.wait(lambda: (db3.path(DATADIR) / "sst_in_progress").exists(), "the transfer to begin",
                 interval=0.01)
    cluster.lab.cut("db3")
    assert (db3.path(DATADIR) / "sst_in_progress").exists(), "it was over too soon"
    grastate.write_text(ABORTED)

    wait_gone_on(cluster)
    stop_both(cluster)
    cluster.lab.boot("db3")
    wait_marked(cluster, "db3", "aborted-sst")
    refused(db3, "bootstrap")
    for name in ("db1", "db2"):
        cluster.wait(lambda: cluster.plan(name)["action"] != "bootstrap"
                     or cluster.plan(name)["node"] != "db3", f"{name} not to have db3 lead")
    cluster.start_by_hand("db1", "db2")
    cluster.check("db1", "db2")
    db3.run(["systemctl", "start", "mariadb"], timeout=PATIENT)
    db3.run(["systemctl", "enable", "mariadb"])
    cluster.check()
    cluster.wait_said("db3", "no longer marked aborted-sst")
    assert marks(cluster, "db3") == []
    rows(cluster, "db1", "DROP TABLE lab.bulk")


@scenario
def a_diverged_node_comes_back_when_its_own_commits_are_saved(cluster):
    """`recover` says what only this node has, sets it aside, every row of it, and takes a full copy."""
    db3 = cluster.node("db3")
    own_directory(db3)
    lose_db3(cluster)
    cluster.lab.boot("db3")
    wait_marked(cluster, "db3", "diverged")

    done = db3.run(["mainstayctl", "recover", "--dry-run"])
    assert "its seqnos" in done.stdout and "is renamed to" in done.stdout, done.stdout
    refused(db3, "recover")    # nobody has consented
    refused(cluster.node("db1"), "recover", "--yes")
    # Out of reach of its peers it remembers.
    for name in ("db1", "db2"):
        cluster.node(name).link(False)
    db3.run(["systemctl", "restart", "mainstayd"])
    wait_marked(cluster, "db3", "diverged")
    refused(db3, "bootstrap", "--without", "db1", "db2")
    refused(db3, "recover", "--yes")
    for name in ("db1", "db2"):
        cluster.node(name).link(True)
    cluster.check("db1", "db2")

    recover_diverged(cluster, db3)


def recover_diverged(cluster, db3):
    recover(cluster, db3)
    cluster.check()
    assert db3.sql("SHOW TABLES FROM lab LIKE 'given_up'") == ""
    # The rows given up, read by a server on what was set aside.
    db3.run("d=$(echo /var/lib/mysql.mainstay-*); "
            "runuser -u mysql -- /usr/sbin/mariadbd --no-defaults --datadir=$d --skip-networking "
            "--wsrep-on=OFF --socket=/tmp/aside.sock --pid-file=/tmp/aside.pid >/tmp/aside.log 2>&1 & "
            "for i in $(seq 100); do mariadb --no-defaults -S /tmp/aside.sock -e '' 2>/dev/null && break; "
            "sleep 0.2; done", timeout=PATIENT)
    found = db3.run("mariadb --no-defaults -S /tmp/aside.sock -N -e "
                    "'SELECT n FROM lab.given_up'; mariadb-admin --no-defaults -S /tmp/aside.sock shutdown",
                    timeout=PATIENT)
    assert found.stdout.split() == ["1"], found.stdout


# What is done, and asked.

def evict_db3(cluster):
    """Its rows differ, so it loses the vote on a change of one."""
    db3 = cluster.node("db3")
    rows(cluster, "db1", "CREATE TABLE lab.vote (n int PRIMARY KEY, v int); "
                         "INSERT INTO lab.vote VALUES (1, 1), (2, 2)")
    cluster.wait(lambda: db3.sql("SELECT COUNT(*) FROM lab.vote") == "2", "db3 to have the rows")
    db3.rows("SET SESSION wsrep_on=0; DELETE FROM lab.vote WHERE n = 2; "
             "INSERT INTO lab.vote VALUES (77, 77)")
    rows(cluster, "db1", "UPDATE lab.vote SET v = 3 WHERE n = 2")
    wait_marked(cluster, "db3", "inconsistent")


def rows(cluster, name, statement):
    cluster.node(name).rows(statement, timeout=30)


def own_directory(node):
    """An overlay renames no directory that lies in its lower layer, as a node's
    datadir does when it is new. Copied once, it is a directory like any other."""
    node.run("systemctl stop mariadb; rm -rf /var/lib/mysql.mainstay-*; "
             "cp -a /var/lib/mysql /var/lib/mysql.copy && rm -rf /var/lib/mysql && "
             "mv /var/lib/mysql.copy /var/lib/mysql && systemctl start mariadb", timeout=PATIENT)


def marks(cluster, name):
    return cluster.ask(name, "status").get("marks")


def wait_gone_on(cluster):
    """db1 and db2 know at which position they went on without db3: else it must be heard."""
    for name in ("db1", "db2"):
        cluster.wait(lambda: (view := cluster.ask(name, "status")["view"])["seqno"] > 0
                     and view["members"] == ["db1", "db2"], f"{name} to know of the view without db3")


def stop_both(cluster):
    """db1, then db2, which knows at which position it was left alone: else all must be heard."""
    cluster.stop_one_by_one("db1")
    cluster.wait_left("db2", "db1")
    cluster.stop_one_by_one("db2")


def wait_marked(cluster, name, mark):
    cluster.wait(lambda: marks(cluster, name) == [mark], f"{name} to be marked {mark}")
    evidence = cluster.ask(name, "status")["report"]["mark_evidence"][mark]
    assert "clear" in evidence, evidence


def refused(node, *words):
    done = node.run(["mainstayctl", *words], check=False)
    assert done.returncode != 0, f"mainstayctl {' '.join(words)} on {node.name}: {done.stdout}"


def recover(cluster, node):
    cluster.wait(lambda: cluster.hears_all(node) and cluster.plan(node.name)["action"] == "join",
                 f"{node.name} to hear whom it can take a copy from")
    node.run(["mainstayctl", "recover", node.name, "--yes"], timeout=PATIENT)
    assert marks(cluster, node.name) == []
    assert aside_has(node, "MAINSTAY-ASIDE.txt")


def aside_has(node, name):
    return len(list(node.path("var/lib").glob(f"mysql.mainstay-*/{name}"))) == 1

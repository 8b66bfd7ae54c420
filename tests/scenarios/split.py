"""Split brain: an even number of nodes, and the network between the halves gone.

Neither half has a majority. What a person may do about it is right once, and
wrong when it is done on both sides.
"""

import time

from cluster import PATIENT
from marks import own_directory, recover
from scenario import scenario
from table import give_up, without_quorum

OURS, THEIRS = ["db1", "db2"], ["db3", "db4"]
MADE_BY_HAND = "by a bootstrap that Mainstay was not asked for"


@scenario(nodes=(4,))
def two_halves_wait_and_one_command_on_one_restores_service(cluster):
    """Nobody serves until a person decides for one half; the other joins it when the link is back."""
    with cluster.ledger:
        part(cluster)
        cluster.check_nobody_led(5)
        cluster.node("db1").run(give_up(THEIRS), timeout=PATIENT)
        for name in OURS:
            cluster.write_some(through=name)
        for name in THEIRS:
            cluster.wait_awaits(name, OURS)
        cluster.lab.unite()
        for name in THEIRS:
            cluster.write_some(through=name)
    assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"
    cluster.check()


def part(cluster):
    """Parts the halves, and sees both of them wait and say why."""
    cluster.write_some()
    with cluster.between_writes():
        cluster.lab.part(*THEIRS)
    without_quorum(cluster, OURS, THEIRS)
    without_quorum(cluster, THEIRS, OURS)


@scenario(nodes=(4,))
def both_halves_forced_through_mainstay_are_told_apart(cluster):
    """`bootstrap --without` on both sides: what only one half has does not get into the other, nor lost."""
    for name in THEIRS:
        own_directory(cluster.node(name))
    with cluster.ledger:
        part(cluster)
    force_and_unite(cluster, lambda node, lost: node.run(give_up(lost), timeout=PATIENT))
    assert sorted(cluster.leaders()) == ["db1", "db3"], f"led: {cluster.leaders()}"
    bring_back(cluster)


# Newer servers cannot be told so while they run.
@scenario(nodes=(4,), images=("mariadb-10.11",))
def both_halves_forced_past_mainstay_are_told_apart(cluster):
    """The same, done with SQL, which no agent is asked about: they record it, and judge the same."""
    for name in THEIRS:
        own_directory(cluster.node(name))
    with cluster.ledger:
        part(cluster)
    force_and_unite(cluster, lambda node, _: node.rows("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'", 30),
                    lambda ours: cluster.wait(lambda: any(MADE_BY_HAND in cluster.said(name) for name in ours),
                                              f"one of {ours} to record the bootstrap"))
    bring_back(cluster)


def force_and_unite(cluster, force, recorded=lambda ours: None):
    """Makes both halves Primary, with commits of their own, and brings the network back."""
    for half, other in ((OURS, THEIRS), (THEIRS, OURS)):
        leader = cluster.node(half[0])
        force(leader, other)
        cluster.wait_synced(*half)
        recorded(half)
        leader.rows(f"CREATE TABLE lab.{own_table(half)} (n int PRIMARY KEY); "
                    f"INSERT INTO lab.{own_table(half)} VALUES (1)")
    cluster.united = time.time()
    cluster.lab.unite()


def own_table(half):
    return f"only_on_{half[0]}"


def bring_back(cluster):
    """Both serve, and are told apart; a person stops one half, which is then kept out with its
    data; these are set aside, and it takes a full copy."""
    for name in OURS + THEIRS:
        cluster.wait(lambda: "in two components that know nothing of each other" in told(cluster, name),
                     f"{name} to tell of two components")
    for name in THEIRS:
        cluster.node(name).run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
    for name in THEIRS:
        cluster.wait(lambda: cluster.state(name) == "SHUNNED", f"{name} to be SHUNNED")
        assert "has diverged" in told(cluster, name) and "mainstayctl recover" in told(cluster, name)
        assert cluster.node(name).run(["systemctl", "start", "mariadb"], check=False, timeout=PATIENT).returncode != 0
        assert "has diverged" in cluster.unit_status(name)
        assert "has diverged" in cluster.node("db1").run(["mainstayctl", "plan"], check=False).stdout
        assert "IST received" not in since_united(cluster, name), f"{name} was let in"
        assert cluster.node(name).path(f"var/lib/mysql/lab/{own_table(THEIRS)}.ibd").exists()
    cluster.check(*OURS)

    # As the message says.
    for name in THEIRS:
        recover(cluster, cluster.node(name))
    cluster.check()
    for node in cluster.nodes():
        tables = node.sql("SHOW TABLES FROM lab")
        assert own_table(OURS) in tables and own_table(THEIRS) not in tables, f"{node.name}: {tables}"
    cluster.node("db1").rows(f"DROP TABLE lab.{own_table(OURS)}")


def told(cluster, name):
    return " ".join(reason["text"] for reason in cluster.plan(name)["reasons"])


def since_united(cluster, name):
    """What its server said since the network was one again."""
    return cluster.node(name).run(["journalctl", "--no-pager", "--quiet", "-o", "cat", "--unit=mariadb",
                                   f"--since=@{cluster.united:.3f}"]).stdout

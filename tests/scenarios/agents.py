"""Agents that die, and leaders that die, at the worst of moments."""

import time

from cluster import LED, PATIENT
from doubt import main_pid
from lablib import LabError
from scenario import scenario

GRANTS = "This node grants the bootstrap to db3"


def kill_agent(node):
    """kill -9; there may be none just then, for it has been killed before."""
    node.run(["systemctl", "kill", "--signal=KILL", "mainstayd"], check=False)


@scenario
def the_agent_killed_is_brought_back_and_mysqld_goes_on(cluster):
    """kill -9 of every agent: systemd starts it again, and nobody notices."""
    servers = cluster.on_all(lambda node: main_pid(node, "mariadb"))
    began = time.monotonic()
    with cluster.ledger:
        cluster.write_some()
        agents = cluster.on_all(lambda node: main_pid(node, "mainstayd"))
        cluster.on_all(kill_agent)
        cluster.wait(lambda: all(main_pid(node, "mainstayd") not in ("0", agents[node.name])
                                 for node in cluster.nodes()), "new agents")
        for node in cluster.nodes():
            cluster.write_some(through=node.name)
    assert cluster.on_all(lambda node: main_pid(node, "mariadb")) == servers
    assert cluster.ledger.largest_gap(began) < 3, "commits stopped meanwhile"
    cluster.check()
    assert cluster.leaders() == []


@scenario
def agents_killed_in_the_middle_of_recovery_go_on(cluster):
    """After a power cut every agent is killed at each of the steps of the recovery."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        for step in ("Waiting for", "claims the bootstrap", "may start"):
            cluster.wait(lambda: any(step in cluster.said(name) for name in cluster.lab.names()),
                         f"an agent to say {step!r}")
            cluster.on_all(kill_agent)
        cluster.write_some()
    cluster.check()
    assert len(cluster.leaders()) <= 1, f"led: {cluster.leaders()}"


@scenario
def the_leader_cut_before_it_is_primary_is_waited_for(cluster):
    """A grant given holds, also when its agent is killed, until its holder is heard again."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    cut_when(cluster, "db3", "db2", GRANTS)
    granted = [name for name in ("db1", "db2") if GRANTS in cluster.said(name)]
    assert granted, "nobody had granted it"
    for name in granted:
        kill_agent(cluster.node(name))
        cluster.wait(lambda: grant_of(cluster, name) == "db3", f"the grant of {name} to hold")
        cluster.wait_awaits(name, ["db3"])
    cluster.check_nobody_led(3)
    cluster.lab.boot("db3")
    cluster.check()


@scenario
def the_leader_cut_just_after_it_was_primary_is_waited_for(cluster):
    """It may have committed since: nobody leads without it, and it comes back with all."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
        cut_when(cluster, "db3", "db3", LED)
    for name in ("db1", "db2"):
        cluster.wait(lambda: cluster.condition(name, "db3") == "uncertain",
                     f"{name} to be uncertain about db3")
    for name in ("db1", "db2"):
        assert not cluster.is_primary(name), f"{name} is Primary without db3"
    cluster.lab.boot("db3")
    cluster.check()


def grant_of(cluster, name):
    return cluster.ask(name, "report").get("grant", {}).get("holder")


def cut_when(cluster, victim, watched, words):
    """Starts mysqld everywhere, and cuts `victim` the moment `watched` says so."""
    follower = cluster.node(watched).spawn(
        ["timeout", str(PATIENT), "journalctl", "--follow", "--lines=0", "--output=cat",
         "--unit=mainstayd"])
    try:
        cluster.start_by_hand()
        for line in follower.stdout:
            if words in line:
                cluster.lab.cut(victim)
                return
        raise LabError(f"{watched} did not say {words!r}")
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()
        follower.stderr.close()

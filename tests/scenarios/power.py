"""Nodes that are stopped, or lose power, and come back."""

import time

from scenario import scenario


@scenario
def three_nodes_cut_at_once_come_back_by_themselves(cluster):
    """All three lose power at once under load, and serve again with nothing lost."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"
    cluster.check()


@scenario
def the_last_one_stopped_leads(cluster):
    """All are stopped gracefully one after another under load, and booted at once."""
    with cluster.ledger:
        cluster.stop_one_by_one("db3", "db1", "db2")
    cluster.lab.stop()
    cluster.lab.boot()
    cluster.check_led("db2")
    cluster.check()


@scenario
def a_node_cut_and_booted_rejoins_by_ist(cluster):
    """One loses power while the others go on, and gets only what it missed."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut("db3")
        cluster.write_some(through="db1")
        cluster.lab.boot("db3")
        cluster.write_some(through="db3")
    assert cluster.leaders() == []
    assert "IST received" in cluster.said("db3", "mariadb"), "db3 did not receive an IST"
    cluster.check()

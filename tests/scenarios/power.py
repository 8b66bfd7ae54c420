"""Nodes that are stopped, or lose power, and come back."""

import re

from cluster import GRASTATE, GVWSTATE
from scenario import scenario


@scenario
def three_nodes_cut_at_once_come_back_by_themselves(cluster):
    """All three lose power at once under load, and serve again with nothing lost."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    cluster.check_formed_once()
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


@scenario
def two_come_back_without_one_that_cannot_be_ahead(cluster):
    """One is stopped, two are cut later: the two return without it, then it joins."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.stop("db3")
        cluster.write_some(through="db1")
        cluster.lab.cut("db1", "db2")
        cluster.lab.boot("db1", "db2")
        cluster.write_some(through="db1")
    cluster.check("db1", "db2")
    cluster.check_formed_once()
    with cluster.ledger:
        cluster.lab.boot("db3")
        cluster.write_some(through="db3")
    cluster.check()


@scenario
def the_last_alive_does_not_lead_where_it_was_behind(cluster):
    """The last node in the cluster had applied less than those that left before."""
    with cluster.ledger:
        backup = cluster.node("db3").client()
        backup.query("SET GLOBAL wsrep_desync = ON; FLUSH TABLES WITH READ LOCK")
        cluster.write_some(through="db1")
        cluster.write_some(through="db2")
        cluster.stop_one_by_one("db1", "db2")
    # The power first: without the lock db3 catches up in a moment.
    cluster.lab.cut()
    backup.close()

    view = cluster.node("db3").path(GVWSTATE).read_text()
    assert view.count("member:") == 1, f"db3 was not alone in its last view:\n{view}"
    left = int(re.search(r"^seqno: *(\S+)$", cluster.node("db2").path(GRASTATE).read_text(), re.MULTILINE).group(1))
    cluster.lab.boot("db3")
    cluster.check_nobody_led(15)
    cluster.wait_awaits("db3", ["db1", "db2"])
    came = cluster.ask("db3", "report")["position"]
    assert came["source"] == "recovered" and 0 < came["seqno"] < left, f"db3 was not behind: {came}; db2 left with {left}"
    cluster.lab.boot("db1", "db2")
    cluster.check_led("db2")
    cluster.check()

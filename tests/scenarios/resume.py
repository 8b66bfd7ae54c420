"""A cluster that was whole and idle when the power went: its members resume it together."""

import time

from agents import GRANTED, boot_and_cut_the_leader, others
from cluster import GVWSTATE, PATIENT
from scenario import scenario

FAILING = "etc/systemd/system/mariadb.service.d/99-fails.conf"


def cut_when_idle(cluster):
    """All have all that was committed, on their disks, when the power goes."""
    cluster.wait_synced()
    with cluster.ledger:
        cluster.write_some()
    cluster.check()
    time.sleep(2)    # InnoDB writes its log out once a second
    cluster.lab.cut()


@scenario
def a_cluster_cut_while_idle_resumes_together(cluster):
    """All are in service at once: nobody bootstraps, and nobody fetches anything."""
    histories = {name: cluster.ask(name, "status")["history"] for name in cluster.lab.names()}
    cut_when_idle(cluster)
    cluster.lab.boot()
    cluster.check()
    assert len(cluster.resumed()) == 1, f"resumed: {cluster.resumed()}; db1 said:\n{cluster.said('db1')}"
    assert cluster.leaders() == [], f"led: {cluster.leaders()}"
    for name in cluster.lab.names():
        assert "IST received" not in cluster.said(name, "mariadb"), f"{name} fetched what it had"
        assert cluster.ask(name, "status")["history"] == histories[name], f"{name}'s history has changed"
        assert cluster.ask(name, "report")["history_settled"], f"{name}'s data have a history no more"
    with cluster.ledger:
        for name in cluster.lab.names():
            cluster.write_some(through=name)
    cluster.check()


@scenario
def a_spoilt_gvwstate_is_no_way_back(cluster):
    """Where one of the files is not whole, the cluster is formed by a bootstrap as ever."""
    cut_when_idle(cluster)
    cluster.node("db2").path(GVWSTATE).write_text("")
    cluster.lab.boot()
    cluster.check()
    assert cluster.resumed() == []
    assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"


@scenario
def a_resume_that_one_member_misses_gives_way_to_a_bootstrap(cluster):
    """One server fails when all have agreed: the others wait for it as long as Galera
    does, and then one of them bootstraps."""
    cut_when_idle(cluster)
    db3 = cluster.node("db3")
    db3.path(FAILING).parent.mkdir(exist_ok=True)
    db3.path(FAILING).write_text("[Service]\nExecStartPre=/bin/false\n")
    try:
        cluster.lab.boot()
        cluster.wait(lambda: any(cluster.is_primary(name) for name in ("db1", "db2")), "db1 or db2 to serve", timeout=2 * PATIENT)
    finally:
        db3.run(f"rm /{FAILING}; systemctl daemon-reload")
    cluster.check()
    assert "resume it together" in cluster.said("db1") + cluster.said("db2"), "no resume was tried"
    assert cluster.resumed() == []
    assert len(cluster.leaders()) == 1, f"led: {cluster.leaders()}"


@scenario
def the_holder_of_a_resume_that_is_cut_is_waited_for(cluster):
    """All have agreed, and it loses power again: without it nobody can serve, and nobody leads."""
    cut_when_idle(cluster)
    holder = boot_and_cut_the_leader(cluster, GRANTED)
    cluster.check_nobody_led(5)
    for name in others(cluster, holder):
        cluster.wait_awaits(name, [holder])
    cluster.lab.boot(holder)
    cluster.check()
    cluster.check_formed_once()

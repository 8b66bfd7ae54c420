"""Asynchronous replication: a primary and its replicas."""

import time

import breakage
from lablib.flavour import MariaDB, MySQL

from cluster import PATIENT
from replication import Replicas
from scenario import scenario


def scenario_of_replicas(function):
    return scenario(function, kind=Replicas)


@scenario_of_replicas
def writes_arrive_at_all_replicas(replicas):
    """What the primary acknowledges comes to every replica, and no replica takes a write of its own."""
    with replicas.ledger:
        replicas.write_some(rows=20)
    for name in ("db2", "db3"):
        refused = replicas.lab.ledger([replicas.node(name)])
        with refused:
            replicas.wait(lambda: "1290" in refused.failures(), f"{name} to refuse a write")
        assert refused.accepted() == []
    replicas.check()


@scenario_of_replicas
def a_replica_cut_by_power_catches_up_by_itself(replicas):
    """One loses power under load, the other goes on; booted, the server's own means bring it up to date."""
    with replicas.ledger:
        replicas.write_some()
        replicas.lab.cut("db3")
        replicas.write_some(rows=20)
        replicas.wait_replicated("db2")
        replicas.lab.boot("db3")
        replicas.write_some()
    replicas.check()


@scenario_of_replicas
def a_primary_cut_by_power_is_followed_again(replicas):
    """Nobody takes its place: it comes back with all that it acknowledged, and its replicas find it."""
    with replicas.ledger:
        replicas.write_some()
        replicas.lab.cut("db1")
        began = time.monotonic()
        replicas.lab.boot("db1")
        replicas.ledger.wait_accepted(began, PATIENT)
    replicas.check()


# What the servers call the same things; see breakage.py.
EQUAL_IDS = {MariaDB: 1593, MySQL: 13117}
PURGED = {MariaDB: 1236, MySQL: 13114}
DONE_ALREADY = 1396
OUT_OF_ORDER = 1950


@scenario_of_replicas
def what_one_statement_breaks_another_mends(replicas):
    """Threads stopped, configuration reset, wrong password, the source's server_id: told apart, and undone."""
    with replicas.ledger:
        breakage.stop_io(replicas, "db2")
        replicas.wait_says("db2", io="No", sql="Yes", io_errno=0)
        breakage.stop_sql(replicas, "db3")
        replicas.wait_says("db3", io="Yes", sql="No", sql_errno=0)
        replicas.mend("db2")
        replicas.mend("db3")
        breakage.reset_replication(replicas, "db2")
        assert replicas.replication("db2") is None
        breakage.mistake_password(replicas, "db3")
        replicas.wait_says("db3", io="Connecting", sql="Yes", io_errno=1045)
        replicas.mend("db2")
        replicas.mend("db3")
        breakage.duplicate_server_id(replicas, "db2", as_of="db1")
        replicas.wait_says("db2", io="No", sql="Yes", io_errno=EQUAL_IDS[replicas.flavour])
        replicas.mend("db2")
    replicas.check()


@scenario_of_replicas
def what_a_replica_lacks_or_has_alone_is_told(replicas):
    """Purged on the source: an error at once. Errant: an error on MariaDB alone, with the primary's next commit."""
    breakage.purge_binlogs(replicas, "db3")
    replicas.wait_says("db3", io="No", sql="Yes", io_errno=PURGED[replicas.flavour])
    breakage.commit_errant(replicas, "db2")
    with replicas.ledger:
        replicas.write_some()
    if replicas.flavour is MariaDB:
        replicas.wait_says("db2", io="Yes", sql="No", sql_errno=OUT_OF_ORDER)
    else:
        replicas.wait_replicated("db2")
        own = replicas.node("db2").sql("SELECT @@server_uuid")
        assert own in replicas.flavour.executed(replicas.node("db2"))
        assert own not in replicas.flavour.executed(replicas.primary())


@scenario_of_replicas
def an_empty_set_with_data_present_repeats_all(replicas):
    """The first transaction that cannot be done twice stops the replica."""
    breakage.forget_position(replicas, "db3")
    replicas.wait_says("db3", io="Yes", sql="No", sql_errno=DONE_ALREADY)


@scenario_of_replicas
def a_changed_identity_breaks_nothing(replicas):
    """A replica, and then the primary, come back as other servers, and all goes on."""
    with replicas.ledger:
        replicas.write_some()
        breakage.change_identity(replicas, "db3")
        replicas.wait_replicated("db3")
        began = time.monotonic()
        breakage.change_identity(replicas, "db1")
        replicas.ledger.wait_accepted(began, PATIENT)
    replicas.check()


@scenario(kind=Replicas, images=["mysql-9.7"])
def a_copied_identity_throws_the_first_one_off(replicas):
    """Of two replicas with one server_uuid the one that came first stops, with the error number of another fault."""
    breakage.copy_identity(replicas, "db3", as_of="db2")
    said = replicas.wait_says("db2", io="No", sql="Yes", io_errno=PURGED[MySQL])
    assert "same server_uuid" in said.io_error, said
    replicas.wait_replicated("db3")


@scenario_of_replicas
def an_old_primary_returns_with_what_nobody_has(replicas):
    """Its successor serves, and the row that it alone has is on it, and on nobody else."""
    replicas.check()
    old = breakage.replace_primary(replicas, "db2")
    assert replicas.replication(old) is None
    rows = {node.name: node.sql("SELECT COUNT(*) FROM lab.ledger WHERE n = -3") for node in replicas.nodes()}
    assert rows == {"db1": "1", "db2": "0", "db3": "0"}, rows

"""The ways in which replication breaks, each done to a node of Replicas (by its name).

What a server says then was measured on MariaDB 10.11 and MySQL 9.7; replicas.py
holds all of it that a status shows against the servers of every image.
"""

from lablib.disk import DATADIR
from lablib.flavour import MySQL
from replication import PATIENT

IDENTITY = DATADIR + "/auto.cnf"


def stop_io(replicas, name):
    """STOP SLAVE IO_THREAD, by hand. Both servers: io No, sql Yes, no error number."""
    replicas.node(name).rows(replicas.flavour.stop + " IO_THREAD")


def stop_sql(replicas, name):
    """STOP SLAVE SQL_THREAD, as a backup does that is killed before its end. Both
    servers: io Yes, sql No, no error number."""
    replicas.node(name).rows(replicas.flavour.stop + " SQL_THREAD")


def reset_replication(replicas, name):
    """RESET SLAVE ALL: it does not know any more whom it followed. Both servers: the
    status has no row; the position stays."""
    replicas.node(name).rows(f"{replicas.flavour.stop}; {replicas.flavour.forget}")


def commit_errant(replicas, name):
    """A transaction of its own on a replica, by somebody who may write past read_only:
    a row that the primary does not have.

    MariaDB (strict mode): healthy until the primary's next transaction, then sql No,
    1950 "out-of-order sequence number". MySQL: healthy for good; only the sets of
    GTIDs differ.
    """
    flag, node = replicas.flavour.read_only, replicas.node(name)
    node.rows(f"SET GLOBAL {flag} = OFF; INSERT INTO lab.ledger VALUES (-1, 'errant'); SET GLOBAL {flag} = ON")


def write_beforehand(replicas, name, number, logged=False):
    """A row that the binary log knows nothing of, as of a session with sql_log_bin = 0; or
    one that it does. Both servers: healthy until the same comes from the primary, then
    sql No, 1062."""
    node = replicas.node(name)
    # MySQL's super_read_only keeps root out, too; who is nobody is kept out all along.
    before, after = ("SET GLOBAL super_read_only = OFF; ", "; SET GLOBAL super_read_only = ON") if replicas.flavour is MySQL else ("", "")
    node.rows(f"{before}SET SESSION sql_log_bin = {int(logged)}; INSERT INTO lab.ledger VALUES ({number}, 'of {name} alone'){after}")


def purge_binlogs(replicas, name):
    """A replica stays away until the primary has purged what it lacks; then it starts again.

    MariaDB: io No, 1236 "Could not find GTID state requested by slave". MySQL: io No,
    13114, and 1236 only in its text. Both: sql Yes.
    """
    node, primary = replicas.node(name), replicas.primary()
    node.rows(replicas.flavour.stop)
    primary.rows("DELETE FROM lab.ledger WHERE n = -2; INSERT INTO lab.ledger VALUES (-2, 'purged'); FLUSH BINARY LOGS")
    last = primary.records(replicas.flavour.binlog_status)[0]["File"]
    replicas.wait_replicated(*(other for other in replicas.names_of_replicas() if other != name))
    # It is refused as long as a replica's thread still reads the old one.
    replicas.wait(lambda: primary.rows(f"PURGE BINARY LOGS TO '{last}'; SHOW BINARY LOGS")[0][0] == last,
                  "the primary to purge its old binary logs")
    node.rows(replicas.flavour.start)


def forget_position(replicas, name):
    """The data are there, and the set of GTIDs is empty: as after a restore by a
    method that does not tell the position.

    Both servers: all is sent again, and the first transaction that cannot be done twice
    stops the SQL thread; here 1396, CREATE USER. MySQL with its relay log left as
    it was: an empty set, io Yes, sql Yes and no error, for all is thought to be received.
    """
    flavour = replicas.flavour
    replicas.node(name).rows(f"{flavour.stop}; {flavour.forget_position}; {flavour.start}")


def mistake_password(replicas, name):
    """The replication account's password is not what the replica believes. Both servers:
    io Connecting, 1045, sql Yes; it tries again each second."""
    node = replicas.node(name)
    node.rows(replicas.flavour.stop)
    replicas.lab.follow(node, password="wrong")


def duplicate_server_id(replicas, name, as_of):
    """A node gets the server_id of another, in force with the next connection to the source.

    Of the source: io No, MariaDB 1593, MySQL 13117. Of another replica: MariaDB has both
    take turns, io Yes or Connecting with no error in the status (4052 in the log alone);
    MySQL takes no notice, it goes by server_uuid.
    """
    number = replicas.node(as_of).sql("SELECT @@server_id")
    replicas.node(name).rows(f"{replicas.flavour.stop}; SET GLOBAL server_id = {number}; {replicas.flavour.start}")


def copy_identity(replicas, name, as_of):
    """MySQL: a node comes back with the server_uuid of another, as after a copy of its
    datadir with auto.cnf. The other: io No, 13114, the number of purged binary
    logs too; only the text tells them apart ("same server_uuid"). The copy itself replicates.
    """
    node, other = replicas.node(name), replicas.node(as_of)
    node.run(["systemctl", "stop", replicas.flavour.unit], timeout=PATIENT)
    node.path(IDENTITY).write_text(other.path(IDENTITY).read_text())
    node.run(["systemctl", "start", replicas.flavour.unit], timeout=PATIENT)


def change_identity(replicas, name):
    """A node comes back as another server: with another server_uuid (MySQL: auto.cnf
    is gone), or, where there is none, with another server_id.

    Both servers, replica or primary: all replicate as before, with no error. MariaDB's
    gtid_current_pos on such a primary is empty until it writes; gtid_binlog_pos is not.
    """
    node = replicas.node(name)
    node.run(["systemctl", "stop", replicas.flavour.unit], timeout=PATIENT)
    file = node.path(IDENTITY)
    if file.exists():
        file.unlink()
    else:
        options = node.path(replicas.flavour.replica_file)
        number = name.removeprefix("db")
        options.write_text(options.read_text().replace(f"= {number}\n", f"= 10{number}\n", 1))
    node.run(["systemctl", "start", replicas.flavour.unit], timeout=PATIENT)


def replace_primary(replicas, successor):
    """The primary loses power with commits that nobody else has; the successor becomes
    the primary, the other replicas follow it, and the old one is booted.

    It comes back writable, following nobody. Told to follow the successor, MariaDB (from
    an empty gtid_slave_pos) stops with 1950; MySQL follows without an error,
    its own commits in its set and in nobody else's.

    Returns the name of the old primary.
    """
    lab, old = replicas.lab, replicas.lab.primary
    others = [node for node in lab.replicas() if node.name != successor]
    for node in lab.replicas():
        node.rows(replicas.flavour.stop)
    replicas.node(old).rows("INSERT INTO lab.ledger VALUES (-3, 'alone')")
    lab.cut(old)
    lab.promote(replicas.node(successor))
    for node in others:
        lab.follow(node)
    lab.wait_replicated(*(node.name for node in others))
    lab.boot(old)
    lab.wait_servers(old)
    return old

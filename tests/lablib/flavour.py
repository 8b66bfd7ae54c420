"""The kinds of servers: what MariaDB and MySQL call the same things."""

from collections import namedtuple

from .host import host_run

Replication = namedtuple("Replication", "source io sql io_errno io_error sql_errno sql_error")
Replication.__doc__ = "What a replica says of its replication; `io` and `sql` as they stand there: Yes, No, Connecting."

REPLICATION_USER = "replicator"
REPLICATION_PASSWORD = "lab"


class MariaDB:
    """Replication by GTID, in one domain."""

    unit = "mariadb.service"
    program = "mariadbd"
    packages = ["mariadb-server", "mariadb-backup", "galera-4", "galera-arbitrator-4", "rsync",
                "libmariadb3"]
    # The arbitrator's package starts it, but only a test that wants one configures it.
    disabled = ["garb.service"]
    builds = False
    # A joiner copies all of the datadir, and a node of a lab its own at creation.
    log_file_size = "16M"

    replica_file = "etc/mysql/mariadb.conf.d/60-replication.cnf"
    replica_options = """\
log_slave_updates              = ON
gtid_strict_mode               = ON
binlog_format                  = ROW
slave_net_timeout              = 10
innodb_log_file_size           = 16M
"""
    read_only = "read_only"
    read_only_file = "etc/mysql/mariadb.conf.d/61-read-only.cnf"

    # A person of the system, and one without a password: neither can come from outside.
    by_uid = "VIA unix_socket"
    with_password = "BY"
    probe_grants = ["BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD ON *.*"]

    replication_grants = "REPLICATION SLAVE"

    stop = "STOP SLAVE"
    start = "START SLAVE"
    forget = "RESET SLAVE ALL"
    forget_position = "RESET MASTER; SET GLOBAL gtid_slave_pos = ''"
    binlog_status = "SHOW BINLOG STATUS"

    @staticmethod
    def shrink_datadir(root):
        """The package makes a log of 96 MB, mostly empty."""
        host_run("chroot", root, "mariadbd", "--no-defaults", "--bootstrap", "--user=mysql",
                 "--datadir=/var/lib/mysql", f"--innodb-log-file-size={MariaDB.log_file_size}",
                 input="SELECT 1;\n", timeout=120)

    @staticmethod
    def follow(source, password=REPLICATION_PASSWORD):
        return (f"CHANGE MASTER TO MASTER_HOST = '{source}', MASTER_USER = '{REPLICATION_USER}', "
                f"MASTER_PASSWORD = '{password}', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos")

    @staticmethod
    def replication(node):
        """Its Replication, or None where it follows nobody."""
        for row in node.records("SHOW ALL SLAVES STATUS"):
            return Replication(row["Master_Host"], row["Slave_IO_Running"], row["Slave_SQL_Running"],
                               int(row["Last_IO_Errno"]), row["Last_IO_Error"],
                               int(row["Last_SQL_Errno"]), row["Last_SQL_Error"])
        return None

    @staticmethod
    def executed(node):
        """The GTIDs that a node has, as a replica can wait for them."""
        # Not gtid_current_pos, which leaves out what was written under another server_id.
        return node.sql("SELECT @@gtid_binlog_pos")

    @staticmethod
    def wait_for(node, gtids, timeout):
        """Whether it has them all within `timeout` seconds."""
        return node.sql(f"SELECT MASTER_GTID_WAIT('{gtids}', {timeout})", timeout + 5) == "0"


class MySQL:
    """Replication by sets of GTIDs."""

    unit = "mysql.service"
    program = "mysqld"
    # It cannot be installed together with MariaDB's client library, so these nodes need
    # a package that is linked with Oracle's: the image can build it.
    packages = ["mysql-server", "rsync", "openssh-client", "libmysqlclient-dev", "build-essential", "pkgconf",
                "debhelper", "libsystemd-dev", "systemd-dev", "libinih-dev", "libjansson-dev", "libmicrohttpd-dev",
                "libsmartcols-dev", "libzstd-dev", "libcmocka-dev", "libdbus-1-dev", "libpolkit-gobject-1-dev", "scdoc"]
    disabled = []
    builds = True
    log_file_size = None

    replica_file = "etc/mysql/mysql.conf.d/zz-replication.cnf"
    replica_options = """\
gtid_mode                      = ON
enforce_gtid_consistency       = ON
replica_net_timeout            = 10
innodb_redo_log_capacity       = 32M
mysqlx                         = OFF
"""
    read_only = "super_read_only"
    read_only_file = "etc/mysql/mysql.conf.d/zz-zz-read-only.cnf"

    by_uid = "WITH auth_socket"
    with_password = "WITH caching_sha2_password BY"
    probe_grants = ["REPLICATION CLIENT, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, RELOAD, CLONE_ADMIN, BACKUP_ADMIN ON *.*",
                    "SELECT ON performance_schema.threads"]

    # By which a server is also cloned.
    replication_grants = "REPLICATION SLAVE, BACKUP_ADMIN"

    stop = "STOP REPLICA"
    start = "START REPLICA"
    forget = "RESET REPLICA ALL"
    forget_position = "RESET REPLICA; RESET BINARY LOGS AND GTIDS"
    binlog_status = "SHOW BINARY LOG STATUS"

    @staticmethod
    def shrink_datadir(root):
        """What the package makes is small enough."""

    @staticmethod
    def follow(source, password=REPLICATION_PASSWORD):
        # It gives up after 10 attempts by itself.
        return (f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{source}', SOURCE_USER = '{REPLICATION_USER}', "
                f"SOURCE_PASSWORD = '{password}', SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400, "
                f"SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1")

    @staticmethod
    def replication(node):
        """Its Replication, or None where it follows nobody."""
        for row in node.records("SHOW REPLICA STATUS"):
            return Replication(row["Source_Host"], row["Replica_IO_Running"], row["Replica_SQL_Running"],
                               int(row["Last_IO_Errno"]), row["Last_IO_Error"],
                               int(row["Last_SQL_Errno"]), row["Last_SQL_Error"])
        return None

    @staticmethod
    def executed(node):
        """The GTIDs that a node has, as a replica can wait for them."""
        return node.sql("SELECT @@gtid_executed").replace("\n", "")

    @staticmethod
    def wait_for(node, gtids, timeout):
        """Whether it has them all within `timeout` seconds."""
        return node.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', {timeout})", timeout + 5) == "0"

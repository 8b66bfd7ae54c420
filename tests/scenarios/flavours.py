"""Other makers' units around the same server, and an arbitrator in place of a third node."""

import time

from cluster import PATIENT
from scenario import scenario

CONFIG = "/etc/mainstay/conf.d/flavour.conf"
WITNESS = "/run/position-asked"

# What Percona's and Codership's packages have beside mysqld: a helper that their
# units call, which among other things asks InnoDB for the position. Here it
# leaves a witness, for with Mainstay nobody is to call it for that.
HELPER = f"""\
#!/bin/sh
case $1 in
start-pre) install -d -o mysql -g mysql /run/mysqld ;;
position) touch {WITNESS} ;;
esac
"""

# Percona XtraDB Cluster: two units for one server. Neither passes
# _WSREP_NEW_CLUSTER on; the second exists to form a cluster.
PERCONA = """\
[Unit]
After=network.target
[Service]
Type=notify
User=mysql
Group=mysql
PermissionsStartOnly=true
TimeoutStartSec=0
{environment}
ExecStartPre=/usr/local/bin/mysql-helper start-pre
ExecStartPre=/bin/sh -c "systemctl unset-environment _WSREP_START_POSITION"
ExecStartPre=/bin/sh -c "VAR=`/usr/local/bin/mysql-helper position`; [ $? -eq 0 ] && systemctl set-environment _WSREP_START_POSITION=$VAR || exit 1"
ExecStart=/usr/sbin/mariadbd {arguments}$_WSREP_START_POSITION
Restart=on-abort
UMask=007
[Install]
WantedBy=multi-user.target
"""

# Codership's MySQL: one unit, and a script that puts the option into MYSQLD_OPTS.
CODERSHIP = """\
[Unit]
After=network.target
[Service]
Type=notify
User=mysql
Group=mysql
TimeoutSec=0
PermissionsStartOnly=true
ExecStartPre=/usr/local/bin/mysql-helper start-pre
ExecStartPre=/bin/sh -c "VAR=`/usr/local/bin/mysql-helper position`; systemctl set-environment _WSREP_START_POSITION=$VAR"
ExecStart=/usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_START_POSITION
Restart=on-failure
RestartPreventExitStatus=1
UMask=007
[Install]
WantedBy=multi-user.target
"""

UNITS = {
    "percona": ("mysql.service", {
        "mysql.service": PERCONA.format(environment="EnvironmentFile=-/etc/default/mysql", arguments=""),
        "mysql@.service": PERCONA.format(environment="EnvironmentFile=/etc/default/mysql.%i", arguments="$EXTRA_ARGS "),
    }),
    "codership": ("mysqld.service", {"mysqld.service": CODERSHIP}),
}
# How to form a cluster, by their manuals; where the refusal stands, and in which words.
FORMING = [
    ("db2", "systemctl start mysql@bootstrap", "mysql@bootstrap", "is refused"),
    ("db1", "systemctl set-environment MYSQLD_OPTS=--wsrep-new-cluster; systemctl start mysqld; "
            "status=$?; systemctl unset-environment MYSQLD_OPTS; exit $status", "mysqld", "MYSQLD_OPTS"),
]
FLAVOUR = {"db1": "codership", "db2": "percona", "db3": "percona"}


def unit_of(node):
    return UNITS[FLAVOUR[node.name]][0]


def put_on(node):
    """From here on mysqld is another maker's unit on this node."""
    unit, files = UNITS[FLAVOUR[node.name]]
    node.run("systemctl disable --now mariadb; systemctl mask mariadb", timeout=PATIENT)
    for name, text in files.items():
        node.run(f"rm -f /etc/systemd/system/{name}; cat > /etc/systemd/system/{name}", input=text)
    node.run("cat > /usr/local/bin/mysql-helper; chmod 755 /usr/local/bin/mysql-helper", input=HELPER)
    node.run("echo 'EXTRA_ARGS=\" --wsrep-new-cluster \"' > /etc/default/mysql.bootstrap")
    node.run(f"mkdir -p /etc/mainstay/conf.d; cat > {CONFIG}", input=f"[node]\nunit = {unit}\n")
    node.run(f"systemctl daemon-reload; mainstayctl setup; systemctl restart mainstayd; systemctl enable {unit}",
             check=False, timeout=PATIENT)


def take_off(node):
    unit, files = UNITS[FLAVOUR[node.name]]
    node.run(f"systemctl disable --now {unit}; systemctl unset-environment MYSQLD_OPTS", check=False, timeout=PATIENT)
    for name in [*files, "mysql@bootstrap.service"]:
        node.run(f"rm -rf /etc/systemd/system/{name} /etc/systemd/system/{name}.d")
    node.run(f"rm -f {CONFIG} /etc/default/mysql.bootstrap; systemctl unmask mariadb; systemctl daemon-reload; "
             "mainstayctl setup; systemctl restart mainstayd; systemctl enable mariadb", check=False, timeout=PATIENT)


@scenario
def the_units_of_percona_and_codership_pass_the_gate_too(cluster):
    """A power cut under their units ends as under MariaDB's, and neither of their
    ways to form a cluster goes past the gate."""
    try:
        cluster.on_all(put_on)
        cluster.on_all(lambda node: node.run(["systemctl", "start", unit_of(node)], timeout=PATIENT))
        with cluster.ledger:
            cluster.write_some()
            before = cluster.leaders()
            cluster.lab.cut()
            cluster.lab.boot()
            cluster.write_some()
        cluster.check()
        led = cluster.leaders()
        # Or, where the power went between two writes, nobody led, and all resumed the last view.
        assert len(led) == len(before) + (not cluster.resumed()), f"led before the cut: {before}; in all: {led}, resumed: {cluster.resumed()}"
        for node in cluster.nodes():
            assert node.run(["test", "-e", WITNESS], check=False).returncode != 0, \
                f"{node.name}'s unit asked InnoDB for the position itself"

        for name, command, unit, words in FORMING:
            node = cluster.node(name)
            node.run(["systemctl", "stop", unit_of(node)], timeout=PATIENT)
            assert node.run(command, check=False, timeout=PATIENT).returncode != 0, f"{name} was let start"
            assert words in cluster.said(name, unit), cluster.said(name, unit)
            assert cluster.leaders() == led, f"led: {led}, then {cluster.leaders()}"
            node.run(["systemctl", "start", unit_of(node)], timeout=PATIENT)
        cluster.check()
    finally:
        cluster.on_all(take_off)
    cluster.on_all(lambda node: node.run(["systemctl", "start", "--no-block", "mariadb"]))
    cluster.check()


class Arbitrator:
    """garbd on a node whose mysqld is stopped, with db1 and db2 for a cluster."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.host = cluster.node("db3")
        self.addresses = ",".join(cluster.node(name).address for name in ("db1", "db2"))
        self.group = cluster.node("db1").rows("SELECT @@wsrep_cluster_name")[0][0]

    def __enter__(self):
        self.host.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
        self.begin()
        return self

    def __exit__(self, *_):
        self.end()
        self.host.run(["systemctl", "start", "--no-block", "mariadb"])

    def begin(self):
        self.host.run(["systemd-run", "--unit=arbitrator", "garbd", "--address", f"gcomm://{self.addresses}",
                       "--group", self.group])
        self.cluster.wait(lambda: self.cluster.node("db1").is_synced(3), "the arbitrator to be a member")

    def end(self):
        # It does not end by itself where it has left the group, but it takes no signal to heart.
        self.host.run("systemctl kill --signal=KILL arbitrator; systemctl stop arbitrator; "
                      "systemctl reset-failed arbitrator", check=False)

    def signal(self, name):
        self.host.run(["pkill", f"-{name}", "garbd"])


@scenario
def an_arbitrator_counts_but_never_leads(cluster):
    """With an arbitrator two nodes go on when one is lost; when the last is lost too,
    the two come back by themselves, and ask the arbitrator for nothing."""
    with Arbitrator(cluster) as arbitrator:
        with cluster.ledger:
            cluster.write_some(through="db1")
            cluster.lab.cut("db1")
            cluster.write_some(through="db2")
            cluster.lab.cut("db2")
            cluster.lab.boot("db2")
            cluster.lab.boot("db1")
            cluster.write_some(through="db1")
        assert cluster.leaders()[:1] == ["db2"], f"led: {cluster.leaders()}"
        # It may have received a write set that no server had on disk. Then Galera
        # lets it leave for good, and a person starts it again.
        arbitrator.end()
        arbitrator.begin()
    cluster.check()


@scenario
def an_arbitrator_that_is_ahead_costs_no_data(cluster):
    """It has received what the last node had not yet on disk, and did not see it die.
    When the nodes have formed the cluster anew, it costs all the Primary component,
    and to make them Primary beside it would cost both servers their state files."""
    db2 = cluster.node("db2")
    with Arbitrator(cluster) as arbitrator:
        cluster.lab.cut("db1")
        cluster.wait(lambda: db2.is_synced(2), "db2 to go on with the arbitrator")
        cluster.wait_left("db2", "db1")
        db2.rows("CREATE DATABASE IF NOT EXISTS unsafe")
        db2.rows("CREATE TABLE IF NOT EXISTS unsafe.entries (id INT PRIMARY KEY AUTO_INCREMENT)")
        db2.rows("SET GLOBAL innodb_flush_log_at_trx_commit=0")
        for _ in range(50):
            db2.rows("INSERT INTO unsafe.entries VALUES ()")
        arbitrator.signal("STOP")
        cluster.lab.cut("db2")
        cluster.lab.boot("db2")
        cluster.wait(lambda: cluster.is_primary("db2"), "db2 to be Primary")
        cluster.lab.boot("db1")
        with cluster.ledger:
            arbitrator.signal("CONT")
            time.sleep(10)
            cluster.write_some(through="db1")
            cluster.write_some(through="db2")
        for name in ("db1", "db2"):
            assert "marked inconsistent" not in cluster.said(name), cluster.said(name)
    cluster.check()

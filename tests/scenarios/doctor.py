"""`mainstayctl doctor`: what it says of a healthy node, and of one with traps set."""

import json

from cluster import PATIENT
from scenario import scenario

TRAPS = "/etc/mysql/mariadb.conf.d/99-traps.cnf"
DROPIN = "/etc/systemd/system/mariadb.service.d/99-traps.conf"
PEERS = "/etc/mainstay/conf.d/traps.conf"

# Read last, so they count; a running server is not disturbed by them.
OPTIONS = """\
[mysqld]
wsrep_cluster_address=gcomm://?pc.wait_prim=no
wsrep_provider_options="pc.ignore_sb=yes; pc.bootstrap=yes"
wsrep_notify_cmd=/usr/local/bin/other
wsrep_sst_method=xtrabackup-v2
innodb_flush_log_at_trx_commit=2
log_bin
skip-innodb-doublewrite
innodb_force_recovery=1
wsrep_node_name=db2
"""

# Which check finds what, and how bad that is.
FOUND = [
    ("cluster-address", "error", "gcomm://?pc.wait_prim=no"),
    ("new-cluster", "error", "pc.bootstrap"),
    ("environment", "error", "_WSREP_NEW_CLUSTER"),
    ("provider-options", "error", "pc.ignore_sb"),
    ("leftovers", "error", "innodb_force_recovery"),
    ("notify", "error", "/usr/local/bin/other"),
    ("sst", "error", "xtrabackup"),
    ("innodb-flush", "warning", "innodb_flush_log_at_trx_commit is 2"),
    ("binlog-flush", "warning", "sync_binlog"),
    ("innodb-doublewrite", "warning", "innodb_doublewrite"),
    ("start-timeout", "warning", "60 s"),
    ("quorum", "warning", "even number of nodes: 4"),
    ("host-names", "error", "db4.nowhere"),
    ("peers", "error", "db4"),
    ("node-names", "error", "db2"),
]


def doctor(node, ends_with):
    """Its findings, one a list of (check, level, text); it must end with this."""
    done = node.run(["mainstayctl", "doctor", "--json"], check=False, timeout=PATIENT)
    assert done.returncode == ends_with, f"it ended with {done.returncode}: {done.stdout}{done.stderr}"
    answer = json.loads(done.stdout)
    assert answer["ok"] == (ends_with == 0), answer["worst"]
    for finding in answer["findings"]:
        if finding["level"] in ("warning", "error"):
            assert finding["harm"] and finding["remedy"], finding
    return [(finding["check"], finding["level"], finding["text"]) for finding in answer["findings"]]


def complaints(findings):
    return [finding for finding in findings if finding[1] != "ok"]


@scenario
def the_doctor_finds_nothing_wrong_with_a_healthy_cluster(cluster):
    """On no node is there anything to complain about, and everything was looked at."""
    for name, findings in cluster.on_all(lambda node: doctor(node, 0)).items():
        assert complaints(findings) == [], f"{name}: {complaints(findings)}"
        seen = {check for check, _, _ in findings}
        assert {check for check, _, _ in FOUND} <= seen, f"{name} did not look at all: {seen}"
        assert {"versions", "clocks", "alike", "disk-space", "unit", "agent"} <= seen, f"{name}: {seen}"
    cluster.check()


@scenario
def the_doctor_names_each_trap_set_on_a_node(cluster):
    """Traps set by hand on one node are named, each with its remedy; without them all is well again."""
    db1 = cluster.node("db1")
    try:
        db1.run(f"cat > {TRAPS}", input=OPTIONS)
        db1.run(f"mkdir -p $(dirname {DROPIN}) && cat > {DROPIN}", input="[Service]\nTimeoutStartSec=60\n")
        db1.run(f"mkdir -p /etc/mainstay/conf.d; cat > {PEERS}",
                input="[peers]\ndb2 = db2\ndb3 = db3\ndb4 = db4.nowhere\n")
        db1.run("systemctl set-environment _WSREP_NEW_CLUSTER=--wsrep-new-cluster; systemctl daemon-reload")
        findings = doctor(db1, 1)
        for check, level, words in FOUND:
            assert any((check, level) == (one, worst) and words in text for one, worst, text in findings), \
                f"{check} does not say {words!r}: {complaints(findings)}"
        said = db1.run("mainstayctl doctor", check=False, timeout=PATIENT).stdout
        assert "May come of it:" in said and "To mend it:" in said, said
    finally:
        db1.run(f"rm -f {TRAPS} {DROPIN} {PEERS}; rmdir /etc/mainstay/conf.d; "
                "systemctl unset-environment _WSREP_NEW_CLUSTER; systemctl daemon-reload", check=False)
    assert complaints(doctor(db1, 0)) == []
    cluster.check()


@scenario
def the_doctor_works_without_agent_and_server(cluster):
    """It says that the agent does not run, and goes on with what it can see."""
    db3 = cluster.node("db3")
    db3.run("systemctl stop mainstayd mariadb", timeout=PATIENT)
    try:
        findings = doctor(db3, 1)
        wrong = {check for check, level, _ in findings if level in ("warning", "error")}
        assert wrong == {"agent"}, complaints(findings)
        good = {check for check, level, _ in findings if level == "ok"}
        assert {"peers", "versions", "quorum", "innodb-flush", "unit"} <= good, good
    finally:
        db3.run("systemctl start mainstayd; systemctl start mariadb", timeout=PATIENT)
    cluster.check()

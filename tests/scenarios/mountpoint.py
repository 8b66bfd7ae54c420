"""A replica whose datadir is a file system of its own: nothing can be renamed beside it."""

from contextlib import contextmanager

from cluster import PATIENT
from provision import begin, checksums, is_over, job, spoil
from replication import Service
from scenario import scenario

DATADIR = "/var/lib/mysql"
OLD, NEW = f"{DATADIR}/.mainstay-old", f"{DATADIR}/.mainstay-new"
NOTE = "MAINSTAY-COPY.json"
UNIT = "var-lib-mysql.mount"


def scenario_on_a_mount(function):
    """MariaDB's, for the image of MySQL has no mount(8)."""
    return scenario(function, kind=Service, images=["mariadb-10.11", "mariadb-11.8"])


def has(node, path):
    """Seen from within: on the host the mount is not."""
    return node.run(["test", "-e", path], check=False).returncode == 0


@contextmanager
def mounted(service, name):
    """At each boot, too."""
    node, unit = service.node(name), service.flavour.unit
    node.run(f"systemctl stop mainstayd {unit}; echo '{DATADIR} {DATADIR} none bind 0 0' > /etc/fstab; systemctl daemon-reload; systemctl start {UNIT}; systemctl start mainstayd {unit}",
             timeout=PATIENT)
    service.wait_state(name, "ONLINE")
    try:
        yield node
    finally:
        node.run(f"systemctl stop mainstayd {unit} && systemctl stop {UNIT} && rm /etc/fstab && systemctl daemon-reload && systemctl start mainstayd {unit}", timeout=PATIENT)


def whole(service, node):
    """Only its own data are there, and serve."""
    service.wait(lambda: service.of(node.name, seen_by=node.name)["components"]["server"]["state"] == "ONLINE", f"the server of {node.name} to be up")
    assert node.rows("SELECT COUNT(*) FROM lab.ledger WHERE n > 0")[0][0] != "0"
    assert not has(node, NEW) and not has(node, OLD)


@scenario_on_a_mount
def a_datadir_on_a_file_system_of_its_own_is_provisioned(service):
    """And rolled back, and committed; of what lies in it meanwhile the server knows nothing."""
    with service.ledger:
        service.write_some()
    with mounted(service, "db2") as node:
        spoil(service, "db2")
        service.ctl("db1", "provision", "db2", "--source", "db1")
        assert has(node, OLD) and not has(node, NEW)
        assert not [name for name, in node.rows("SHOW DATABASES") if "mainstay" in name]
        node.run("mariadb-dump --all-databases > /dev/null", timeout=PATIENT)
        service.ctl("db1", "online", "db2")
        service.check()
        service.ctl("db1", "provision", "rollback", "db2")
        whole(service, node)
        service.ctl("db1", "provision", "db2", "--source", "db3")
        service.ctl("db1", "provision", "commit", "db2")
        service.ctl("db1", "online", "db2")
        whole(service, node)
        service.check()
        one, two = checksums(service, "db1", "db2")
        assert one == two, f"{one}\n{two}"
        for step in ("copy", "save", "swap", "start"):
            number = begin(service, "db2")
            service.wait(lambda: any(one["name"] == step for one in job(service, "db2").get("steps", [])), f"the step {step}", interval=0.02)
            service.lab.cut("db2")
            service.lab.boot("db2")
            service.wait(lambda: is_over(service, "db2", number), f"the job {number} to end")
            if job(service, "db2")["state"] == "done":
                service.ctl("db2", "provision", "commit")
            node.run("mainstayctl online", check=False, timeout=PATIENT)
            whole(service, node)
            service.check()


@scenario_on_a_mount
def no_server_starts_on_a_part_of_its_data(service):
    """The agent is not there, and somebody starts the server between the one whole and the other."""
    with mounted(service, "db2") as node:
        unit = service.flavour.unit
        node.run(f"systemctl stop mainstayd {unit}; mkdir {OLD}; chown mysql: {OLD}; mv {DATADIR}/mysql {OLD}/; mkdir {NEW}; touch {NEW}/{NOTE}", timeout=PATIENT)
        assert node.run(["systemctl", "start", unit], check=False, timeout=PATIENT).returncode != 0
        said = node.run(f"journalctl -u {unit} -o cat --no-pager -n 30").stdout
        assert "but a part of them is in place" in said, said
        assert not has(node, f"{DATADIR}/mysql")
        node.run(f"mv {OLD}/mysql {DATADIR}/; rm -r {OLD} {NEW}; systemctl reset-failed {unit}; systemctl start mainstayd {unit}", timeout=PATIENT)
        service.wait_state("db2", "ONLINE")

"""The package on nodes of a running cluster: it is replaced, removed and put back, and
mysqld takes no notice."""

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from agents import GRANTED, boot_and_cut_the_leader, cut_all_for_a_bootstrap, grant_of, others
from cluster import PATIENT, Cluster
from deb import TOP
from doubt import main_pid
from lablib import Lab
from lablib.host import host_run
from replication import Service
from scenario import scenario

NEWER = "1:0"
GATE = "/run/systemd/generator/mariadb.service.d/50-mainstay.conf"
OURS = ["/etc/mainstay", "/var/lib/mainstay/ssh", "/var/lib/mainstay-peer"]


class Alone(Cluster):
    """One node with the package, and nothing done with it yet."""

    @staticmethod
    def lab_of(deb, name, image, count=1, **options):
        return Lab(count, name=name, image=image, deb=deb, **options)

    @classmethod
    def form(cls, lab):
        return cls(lab)

    def make_whole(self):
        self.since = time.time()


@contextmanager
def newer(deb):
    """The same package under a newer version."""
    with tempfile.TemporaryDirectory() as name:
        tree, made = Path(name, "tree"), Path(name, "newer.deb")
        host_run("dpkg-deb", "--raw-extract", deb, tree)
        control = tree / "DEBIAN/control"
        control.write_text("".join(f"Version: {NEWER}\n" if line.startswith("Version: ") else line
                                   for line in control.read_text().splitlines(keepends=True)))
        host_run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, made)
        yield made


def upgrade(cluster, *names):
    """On all these nodes at once."""
    with newer(cluster.lab.deb) as deb:
        cluster.on_all(lambda node: install(node, deb), *names)
    for node in cluster.nodes(*names):
        check_newer(node)


def check_newer(node):
    said = node.run(["dpkg-query", "--show", "--showformat=${Version} ${Status}", "mainstay"]).stdout
    assert said == f"{NEWER} install ok installed", said


def install(node, deb):
    there = "/var/tmp/mainstay.deb"
    node.path(there).write_bytes(Path(deb).read_bytes())
    node.run(["dpkg", "--install", there], timeout=PATIENT)
    node.run(["rm", there])


def dropins(node, unit="mariadb"):
    """Where systemd has more about a unit from than the unit's own file."""
    return node.run(["systemctl", "show", "--value", "--property=DropInPaths", unit]).stdout.split()


@scenario
def an_upgrade_starts_the_agent_anew_and_mysqld_runs_on(cluster):
    """On all nodes at once, under load: new agents, which know what they were told before;
    the same servers."""
    servers = cluster.on_all(lambda node: main_pid(node, "mariadb"))
    agents = cluster.on_all(lambda node: main_pid(node, "mainstayd"))
    cluster.node("db1").run(["mainstayctl", "policy", "manual"])
    try:
        began = time.monotonic()
        with cluster.ledger:
            cluster.write_some()
            upgrade(cluster)
            cluster.write_some()
        assert cluster.ledger.largest_gap(began) < 3, "commits stopped meanwhile"
        assert cluster.on_all(lambda node: main_pid(node, "mariadb")) == servers
        for name, pid in cluster.on_all(lambda node: main_pid(node, "mainstayd")).items():
            assert pid not in ("0", agents[name]), f"{name}'s agent is the old one"
        assert all(GATE in dropins(node) for node in cluster.nodes()), "the gate is gone"
        assert cluster.ask("db1", "policy")["policy"] == "manual", "db1 has forgotten its policy"
        cluster.check()
    finally:
        cluster.node("db1").run(["mainstayctl", "policy", "automatic"])
    assert cluster.leaders() == []


@scenario
def an_upgrade_forgets_no_promise(cluster):
    """In the middle of a recovery that waits for the node that was promised the lead: the
    others go on waiting for it, and mysqld's start with them."""
    cut_all_for_a_bootstrap(cluster)
    leader = boot_and_cut_the_leader(cluster, GRANTED)
    granted = [name for name in others(cluster, leader) if GRANTED.search(cluster.said(name))]
    upgrade(cluster, *others(cluster, leader))
    for name in granted:
        assert grant_of(cluster, name) == leader, f"{name} has forgotten its grant"
        cluster.wait_awaits(name, [leader])
    cluster.check_nobody_led(3)
    cluster.lab.boot(leader)
    cluster.check()


@scenario
def removed_it_leaves_mysqld_as_it_was_before(cluster):
    """The server runs on, and starts from then on as its vendor made it: by hand, after a
    crash, at boot. The package put back, the gate and the agent are back too."""
    db3 = cluster.node("db3")
    server = main_pid(db3, "mariadb")
    try:
        with cluster.ledger:
            db3.run(["dpkg", "--remove", "mainstay"], timeout=PATIENT)
            cluster.write_some(through="db3")
            assert main_pid(db3, "mariadb") == server, "mysqld was disturbed"
            check_as_before(db3)

            db3.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
            cluster.write_some(through="db3")
            db3.run(["systemctl", "kill", "--signal=KILL", "mariadb"])
            cluster.wait(lambda: main_pid(db3, "mariadb") not in ("0", server), "mysqld to be started again")
            cluster.write_some(through="db3")
            cluster.lab.cut("db3")
            cluster.write_some(through="db1")
            cluster.lab.boot("db3")
            cluster.write_some(through="db3")
            check_as_before(db3)
        server = main_pid(db3, "mariadb")
    finally:
        install(db3, cluster.lab.deb)
    assert GATE in dropins(db3), "the gate is not back"
    assert main_pid(db3, "mainstayd") != "0", "the agent is not back"
    assert main_pid(db3, "mariadb") == server, "mysqld was disturbed"
    cluster.check()
    assert cluster.leaders() == []


@scenario(kind=Service, images=["mysql-9.7"])
def purged_it_leaves_nothing_of_its_own(service):
    """Neither configuration nor keys, where systemd can do that for a package; and the
    server starts and replicates without them."""
    db3 = service.node("db3")
    try:
        db3.run(["dpkg", "--purge", "mainstay"], timeout=PATIENT)
        check_as_before(db3, "mysql")
        left = [path for path in OURS if db3.path(path).exists()]
        assert not left, f"a purge has left {left}"
        db3.run(["systemctl", "restart", "mysql"], timeout=PATIENT)
        service.wait_replicated("db3")
    finally:
        install(db3, service.lab.deb)
        Service.form(service.lab)
    service.check()


@scenario(kind=Alone, nodes=(1,))
def the_test_of_the_installed_package_passes(alone):
    """What Debian runs against a package before it lets it in."""
    db1 = alone.node("db1")
    db1.path("root/test").write_text((TOP / "packaging/debian/tests/a-node-alone").read_text())
    db1.run(["sh", "/root/test"], timeout=PATIENT)


def check_as_before(node, unit="mariadb"):
    """No agent runs, and of the server's unit there is the vendor's file alone."""
    assert main_pid(node, "mainstayd") in ("", "0"), "the agent still runs"
    assert dropins(node, unit) == [], f"what is left of {unit}'s unit: {dropins(node, unit)}"
    assert node.run(["systemctl", "show", "--value", "--property=NeedDaemonReload", unit]).stdout.strip() == "no"

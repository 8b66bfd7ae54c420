"""Who meets Mainstay for the first time: bare machines, the package, and what the tutorial
says to type, from the first line to the removal. The README has the same lines."""

import time
from pathlib import Path

from cluster import Cluster
from doubt import main_pid
from lablib import Lab
from lablib.profile import SERVER_FILE
from manual import follow
from package import check_as_before, check_newer, newer
from scenario import scenario

# Where root's shell is, and so what is typed.
PLACE = "root"


class Newcomer(Cluster):
    """Machines with Debian and its packages, on which nothing is configured."""

    @staticmethod
    def lab_of(deb, name, image, count=3, by_address=False):
        lab = Lab(count, name=name, image=image, by_address=by_address, mysqld_on=True,
                  prepare=lambda root, _: (root / SERVER_FILE).unlink())
        lab.package = deb
        return lab

    @classmethod
    def form(cls, lab):
        self = cls(lab)
        # Nobody is there to type while they boot; MariaDB that is stopped while it starts may not end.
        for node in lab.nodes:
            self.wait(lambda: node.run(["systemctl", "is-active", "mariadb"], check=False).stdout.strip() == "active",
                      f"the server of {node.name} to run")
        return self

    def make_whole(self):
        self.since = time.time()


def put(cluster, deb):
    """As it is downloaded, in the place of what was there."""
    for node in cluster.nodes():
        for old in node.path(PLACE).glob("mainstay_*.deb"):
            old.unlink()
        node.path(f"{PLACE}/mainstay_new.deb").write_bytes(Path(deb).read_bytes())


def servers(cluster):
    return cluster.on_all(lambda node: main_pid(node, "mariadb"))


@scenario(kind=Newcomer)
def a_newcomer_follows_the_tutorial(cluster):
    """Servers, package, setup, a power cut of all under load, an upgrade, and the removal."""
    put(cluster, cluster.lab.package)
    follow(cluster, "The servers")
    cluster.wait_synced()
    cluster.lab.create_ledger()
    with cluster.ledger:
        cluster.write_some()
        follow(cluster, "Mainstay")
    cluster.check()

    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    cluster.check_formed_once()
    cluster.check()

    ran = servers(cluster)
    with newer(cluster.lab.package) as deb:
        put(cluster, deb)
    with cluster.ledger:
        cluster.write_some()
        follow(cluster, "Upgrade")
        cluster.write_some()
    for node in cluster.nodes():
        check_newer(node)
    assert servers(cluster) == ran, "a server was disturbed"
    cluster.check()

    follow(cluster, "Removal")
    assert servers(cluster) == ran, "a server was disturbed"
    for node in cluster.nodes():
        check_as_before(node)
    with cluster.ledger:
        for node in cluster.nodes():
            node.run(["systemctl", "restart", "mariadb"], timeout=120)
            cluster.wait_synced()
        cluster.write_some()
    cluster.ledger.check(cluster.nodes())

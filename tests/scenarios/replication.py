"""Nodes of which one is a primary and the others its replicas: what scenarios do
to them, and what they ask of them."""

import time

from cluster import PATIENT, Cluster
from lablib import LabError, ReplicatedLab
from lablib.image import IMAGES


class Replicas(Cluster):
    """A ReplicatedLab, and one ledger for as long as its topology stays what it was at first."""

    IMAGES = list(IMAGES)

    @staticmethod
    def lab_of(tree, name, image, count=3):
        return ReplicatedLab(count, name=name, image=image, install=tree)

    @classmethod
    def form(cls, lab):
        """The lab itself has made the topology."""
        return cls(lab)

    def make_whole(self):
        """What every scenario begins with: all nodes on, db1 the primary, all others its
        replicas with the same tables; anew from nothing where it is not so by itself."""
        if off := [node.name for node in self.lab.nodes if node.state() == "off"]:
            self.lab.boot(*off)
        self.lab.wait_servers()
        try:
            assert self.lab.is_as_at_first()
            self.lab.wait_replicated(timeout=5)
            self.lab.check_tables()
        except (LabError, AssertionError):
            self.lab.begin_again()
            self.ledger = self.lab.ledger()
        self.since = time.time()

    # By their roles.

    @property
    def flavour(self):
        return self.lab.flavour

    def names_of_replicas(self):
        return [node.name for node in self.lab.replicas()]

    def primary(self):
        return self.node(self.lab.primary)

    def wait_replicated(self, *names):
        self.lab.wait_replicated(*names, timeout=PATIENT)

    def replication(self, name):
        """What a node's server says of its replication."""
        return self.lab.replication(self.node(name))

    def wait_says(self, name, **expected):
        """Waits until the replication of a node says all of this (fields of
        flavour.Replication), and returns it."""
        def says():
            said = self.replication(name)
            return said if said and all(getattr(said, key) == value for key, value in expected.items()) else None
        try:
            return self.wait(says, f"{name} to say {expected}", timeout=30)
        except LabError as error:
            raise AssertionError(f"{error}; it says {self.replication(name)}") from None

    def mend(self, name):
        """Lets a node follow the primary again, with its own server_id and the right password."""
        node = self.node(name)
        node.rows(f"{self.flavour.stop}; SET GLOBAL server_id = {name.removeprefix('db')}")
        self.lab.follow(node)
        self.wait_replicated(name)

    # What must hold.

    def check(self):
        """All replicate, every acknowledged row is on all nodes, and all tables agree."""
        self.ledger.check(self.lab.nodes, timeout=PATIENT)

"""Nodes of which one is a primary and the others its replicas: what scenarios do
to them, and what they ask of them."""

import json
import time

from cluster import PATIENT, Cluster
from lablib import LabError, ReplicatedLab
from lablib.flavour import REPLICATION_PASSWORD, REPLICATION_USER
from lablib.image import IMAGES


class Replicas(Cluster):
    """A ReplicatedLab, and one ledger for as long as its topology stays what it was at first."""

    IMAGES = list(IMAGES)

    @staticmethod
    def lab_of(deb, name, image, count=3):
        return ReplicatedLab(count, name=name, image=image, deb=deb)

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
            self.begin_again()
        self.since = time.time()

    def begin_again(self):
        self.lab.begin_again()
        self.ledger = self.lab.ledger()

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


class Service(Replicas):
    """The same with Mainstay set up on all nodes, as a person would."""

    @classmethod
    def form(cls, lab):
        self = cls(lab)
        for node in lab.nodes:
            peers = "".join(f"{other.name} = {other.name}\n" for other in lab.nodes if other is not node)
            conf = node.path("etc/mainstay/conf.d/peers.conf")
            conf.parent.mkdir(exist_ok=True)
            conf.write_text(f"[peers]\n{peers}")
        first, *others = lab.names()
        self.node(first).run(["mainstayctl", "setup", "--replication-user", REPLICATION_USER, "--replication-password-file", "-", *others],
                             check=False, input=REPLICATION_PASSWORD + "\n", timeout=PATIENT)
        self.on_all(lambda node: node.run("systemctl enable mainstayd; systemctl restart mainstayd", check=False))
        self.wait(lambda: all(self.hears_all(node) for node in lab.nodes), "the agents to hear each other")
        return self

    def make_whole(self):
        """And every node is ONLINE, in the view of each, under the policy manual."""
        for node in self.lab.nodes:
            if node.state() == "running":
                node.run("mainstayctl policy manual; mainstayctl online", check=False, timeout=PATIENT)
        super().make_whole()
        for node in self.lab.nodes:
            node.run("mainstayctl online", check=False, timeout=PATIENT)
        self.wait(lambda: all(self.states(node.name) == dict.fromkeys(self.names(), "ONLINE") for node in self.lab.nodes),
                  "all nodes to be ONLINE")

    def begin_again(self):
        """What setup has given a server is gone with its data; what a node was made, its
        agent would make of it again."""
        self.on_all(self.unmake)
        super().begin_again()
        self.on_all(lambda node: node.run("systemctl start mainstayd; mainstayctl setup", check=False, timeout=PATIENT))

    @staticmethod
    def unmake(node):
        node.run(["systemctl", "stop", "mainstayd"])
        state = node.path("var/lib/mainstay/state.json")
        kept = {key: value for key, value in json.loads(state.read_text()).items() if key not in ("replica", "held")}
        state.write_text(json.dumps(kept))
        node.path("var/lib/mainstay/replica.cnf").write_text("")

    def names(self):
        return [node.name for node in self.lab.nodes]

    def service(self, name):
        """What `mainstayctl status` says on a node."""
        return json.loads(self.node(name).run(["mainstayctl", "status", "--json"], timeout=30).stdout)["service"]

    def states(self, name):
        return {node["node"]: node["state"] for node in self.service(name)["nodes"]}

    def of(self, name, seen_by="db1"):
        return next(node for node in self.service(seen_by)["nodes"] if node["node"] == name)

    def wait_state(self, name, state, seen_by="db1"):
        return self.wait(lambda: self.states(seen_by).get(name) == state, f"{name} to be {state} in the view of {seen_by}")

    def ctl(self, name, *words, status=0):
        """Types it on a node; returns all that was said."""
        done = self.node(name).run(["mainstayctl", *words], check=False, timeout=PATIENT)
        assert done.returncode == status, f"mainstayctl {' '.join(words)}: {done.returncode} instead of {status}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

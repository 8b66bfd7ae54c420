"""What can go wrong with the nodes of a cluster: each fault is drawn at random, begins,
and ends. What ends a fault also mends it, as a person or time would.

A fault may meet a node that another one has switched off: what it then cannot do is
told in the timeline, and is no mistake."""

import re

from cluster import GRASTATE, GVWSTATE, PATIENT
from lablib.host import host_run
from lablib.network import network_link

# For what is done to a node that may be frozen.
SHORT = 20
VIEWS = "var/lib/mainstay/server/views"
AGENT_STATE = "var/lib/mainstay/state.json"

KINDS = []


def kind(cls):
    KINDS.append(cls)
    return cls


class Fault:
    """On `names`, drawn from the nodes of a cluster by a random.Random."""

    def __init__(self, rng, names):
        self.names = self.draw(rng, list(names))

    def draw(self, rng, names):
        return [rng.choice(names)]

    def begin(self, cluster):
        raise NotImplementedError

    def end(self, cluster):
        """Nothing, where time or systemd mends it."""

    def __str__(self):
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", type(self).__name__).lower()
        return " ".join([f"{words} {', '.join(self.names)}", *self.more()])

    def more(self):
        return []

    def on_each(self, cluster, command, timeout=SHORT):
        for name in self.names:
            cluster.node(name).run(command, check=False, timeout=timeout)


def some(rng, names):
    """One of them, or several, or all, each as often."""
    return sorted(rng.sample(names, rng.randint(1, len(names))))


class Several(Fault):
    def draw(self, rng, names):
        return some(rng, names)


# The power, and processes.

@kind
class PowerCut(Several):
    def begin(self, cluster):
        cluster.lab.cut(*self.names)

    def end(self, cluster):
        boot(cluster, self.names)


@kind
class OrderlyPowerOff(Several):
    def begin(self, cluster):
        cluster.lab.stop(*self.names)

    def end(self, cluster):
        boot(cluster, self.names)


def boot(cluster, names):
    """Those of them that are off."""
    if off := [name for name in names if cluster.node(name).state() == "off"]:
        cluster.lab.boot(*off)


@kind
class ServerKilled(Several):
    def begin(self, cluster):
        self.on_each(cluster, "systemctl kill -s KILL mariadb")

    def end(self, cluster):
        # systemd does it itself, unless it happened too often.
        self.on_each(cluster, "systemctl is-failed -q mariadb && systemctl reset-failed mariadb && systemctl start --no-block mariadb")


@kind
class ServerStopped(Several):
    def begin(self, cluster):
        self.on_each(cluster, "systemctl stop --no-block mariadb")

    def end(self, cluster):
        self.on_each(cluster, "systemctl start --no-block mariadb")


@kind
class ServerFrozen(Fault):
    def begin(self, cluster):
        self.on_each(cluster, "pkill -STOP -x mariadbd")

    def end(self, cluster):
        self.on_each(cluster, "pkill -CONT -x mariadbd")


@kind
class AgentKilled(Several):
    def begin(self, cluster):
        self.on_each(cluster, "systemctl kill -s KILL mainstayd")

    def end(self, cluster):
        self.on_each(cluster, "systemctl is-failed -q mainstayd && systemctl reset-failed mainstayd && systemctl start --no-block mainstayd")


@kind
class AgentFrozen(Several):
    def begin(self, cluster):
        self.on_each(cluster, "pkill -STOP -x mainstayd")

    def end(self, cluster):
        self.on_each(cluster, "pkill -CONT -x mainstayd")


@kind
class NodeFrozen(Fault):
    def begin(self, cluster):
        cluster.node(self.names[0]).freeze()

    def end(self, cluster):
        node = cluster.node(self.names[0])
        if node.state() != "off":
            node.thaw()


# The network.

@kind
class LinkDown(Several):
    def begin(self, cluster):
        cluster.lab.link(False, *self.names)

    def end(self, cluster):
        for name in self.names:
            if cluster.node(name).state() != "off":
                cluster.lab.link(True, name)


@kind
class Parted(Several):
    """These from the others; among themselves they are well connected."""

    def draw(self, rng, names):
        return sorted(rng.sample(names, rng.randint(1, len(names) - 1)))

    def begin(self, cluster):
        cluster.lab.part(*self.names)

    def end(self, cluster):
        cluster.lab.unite()


class Filtered(Fault):
    """Of packets that arrive, or leave."""
    rules = ""

    def begin(self, cluster):
        self.on_each(cluster, f"nft -f - <<END\ntable inet chaos {{\n{self.rules_of(cluster)}}}\nEND\n")

    def rules_of(self, cluster):
        return self.rules

    def end(self, cluster):
        self.on_each(cluster, "nft delete table inet chaos")


@kind
class DeafTo(Filtered):
    """What the other sends does not arrive; the other way all is well."""

    def draw(self, rng, names):
        deaf, self.other = rng.sample(names, 2)
        return [deaf]

    def rules_of(self, cluster):
        return f"chain in {{ type filter hook input priority 0; ip saddr {cluster.node(self.other).address} drop; }}\n"

    def more(self):
        return [self.other]


@kind
class SshRefused(Filtered):
    rules = ("chain in { type filter hook input priority 0; tcp dport 22 reject with tcp reset; }\n"
             "chain out { type filter hook output priority 0; tcp dport 22 reject with tcp reset; }\n")


@kind
class LossyFor(Filtered):
    """A part of what arrives is lost."""

    def draw(self, rng, names):
        self.percent = rng.choice([5, 20, 50])
        return [rng.choice(names)]

    def rules_of(self, cluster):
        return ("chain in { type filter hook input priority 0; "
                f"iifname host0 numgen random mod 100 < {self.percent} drop; }}\n")

    def more(self):
        return [f"{self.percent} %"]


@kind
class SlowLink(Fault):
    """What it is sent waits in a queue, up to a second."""

    def begin(self, cluster):
        host_run("tc", "qdisc", "add", "dev", network_link(cluster.lab.name, self.names[0]), "root",
                 "tbf", "rate", "256kbit", "burst", "4kb", "latency", "1s")

    def end(self, cluster):
        host_run("tc", "qdisc", "delete", "dev", network_link(cluster.lab.name, self.names[0]), "root", check=False)


# Files. What is done to them happens while the node is off.

class FileHarmed(Fault):
    """The node loses power, and comes back with files that are not as it left them."""
    files = ()

    def draw(self, rng, names):
        self.file = rng.choice(self.files)
        self.how = rng.choice(sorted(HARMS))
        name, self.other = rng.sample(names, 2)
        return [name]

    def begin(self, cluster):
        name, = self.names
        cluster.lab.cut(name)
        path = cluster.node(name).path(self.file)
        if path.exists():
            HARMS[self.how](path, cluster.node(self.other).path(self.file))

    def end(self, cluster):
        boot(cluster, self.names)

    def more(self):
        return [self.file, self.how, *([self.other] if self.how == "swapped" else [])]


def overwrite(path, data):
    """Its owner and mode stay."""
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(data)


HARMS = {
    "truncated": lambda path, _: overwrite(path, path.read_bytes()[:len(path.read_bytes()) // 2]),
    "emptied": lambda path, _: overwrite(path, b""),
    "zeroed": lambda path, _: overwrite(path, bytes(len(path.read_bytes()))),
    "removed": lambda path, _: path.unlink(),
    "swapped": lambda path, other: overwrite(path, other.read_bytes()) if other.exists() else None,
}


@kind
class ServerFileHarmed(FileHarmed):
    files = (GRASTATE, GVWSTATE)


@kind
class AgentFileHarmed(FileHarmed):
    files = (VIEWS, AGENT_STATE)


@kind
class OldFilesRestored(Fault):
    """Somebody stops the node's server, and puts back the state files of an hour ago: of
    a moment when it ran, which is what a backup of a running node has."""

    def begin(self, cluster):
        name, = self.names
        node = cluster.node(name)
        old = node.path(GRASTATE).read_bytes()
        self.on_each(cluster, "systemctl stop mariadb", timeout=PATIENT)
        overwrite(node.path(GRASTATE), old)

    def end(self, cluster):
        self.on_each(cluster, "systemctl start --no-block mariadb")


@kind
class AgentCannotWrite(Fault):
    """What the agent writes down lies on a file system that is read-only."""

    def begin(self, cluster):
        self.on_each(cluster, "mount --bind /var/lib/mainstay /var/lib/mainstay && mount -o remount,bind,ro /var/lib/mainstay && "
                              "systemctl kill -s KILL mainstayd")

    def end(self, cluster):
        self.on_each(cluster, "umount /var/lib/mainstay; systemctl reset-failed mainstayd; systemctl restart --no-block mainstayd")


# People.

VERBS = (
    "systemctl restart --no-block mariadb",
    "systemctl start --no-block mainstay-bootstrap",
    "systemctl start --no-block mainstay-join",
    "systemctl restart --no-block mainstayd",
    "systemctl daemon-reexec",
    "timeout 15 galera_new_cluster",
    "mainstayctl bootstrap --no-wait",
    "mainstayctl join --no-wait",
    "mainstayctl policy manual; sleep 2; mainstayctl policy automatic",
    "mainstayctl policy maintenance; sleep 2; mainstayctl policy automatic",
    "timeout 15 mainstayctl recover --yes",
    "mainstayctl plan",
    "sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' /var/lib/mysql/grastate.dat",
)


@kind
class Operator(Fault):
    """Types something at a bad moment."""

    def draw(self, rng, names):
        self.verb = rng.choice(VERBS)
        return [rng.choice(names)]

    def begin(self, cluster):
        self.on_each(cluster, self.verb)

    def more(self):
        return [repr(self.verb)]

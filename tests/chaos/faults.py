"""What can go wrong with the nodes of a cluster: each fault is drawn at random, begins,
and ends. What ends a fault also mends it, as a person or time would.

A fault may meet a node that another one has switched off: what it then cannot do is
told in the timeline, and is no mistake.

Not here: clocks that jump. Nodes are containers, and the wall clock is the machine's;
a time namespace moves only the clocks that nobody sets, and a preloaded library that
lies to single programs would be a test of that library. Delay is that of a queue that
is full (tbf), for not every kernel has netem."""

import contextlib
import os
import re
import signal
import subprocess

from cluster import GRASTATE, GVWSTATE, PATIENT
from lablib.host import host_run
from lablib.network import network_link

# For what is done to a node that may be frozen.
SHORT = 20
VIEWS = "var/lib/mainstay/server/views"
AGENT_STATE = "var/lib/mainstay/state.json"

ROOT_FULL = "var/full"

KINDS = []


def kind(cls):
    KINDS.append(cls)
    return cls


class Fault:
    """On `names`, drawn from the nodes of a cluster by a random.Random."""
    process = None

    def __init__(self, rng, names):
        self.names = self.draw(rng, list(names))

    def draw(self, rng, names):
        return [rng.choice(names)]

    def begin(self, cluster):
        raise NotImplementedError

    def end(self, cluster):
        """Nothing, where time or systemd mends it. What either returns is told in the timeline."""

    def keep(self, cluster):
        """Before the round begins: what is wanted later of how all was then."""

    def may_need_help(self):
        """Whether a node may have to wait for a person after it."""
        return False

    @classmethod
    def words(cls):
        return re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()

    def __str__(self):
        return " ".join([f"{self.words()} {', '.join(self.names)}", *self.more()])

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
class LinkFlaps(Fault):
    """Down for some seconds, many times: what is under way ends in the middle, or late."""

    def begin(self, cluster):
        node = cluster.node(self.names[0])
        self.process = node.spawn("while sleep 1.3; do ip link set host0 down; sleep 0.7; ip link set host0 up; done")

    def end(self, cluster):
        end_process(self.process)
        self.on_each(cluster, "ip link set host0 up; networkctl reconfigure host0")


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
class ConnectionsReset(Filtered):
    """At every hundredth packet that arrives the connection ends, in the middle of whatever it says."""
    rules = ("chain in { type filter hook input priority 0; "
             "iifname host0 meta l4proto tcp numgen random mod 100 < 1 reject with tcp reset; }\n")


@kind
class AgentsCutOff(Several):
    """Every connection between its agent and another ends, in the middle of a message."""

    def begin(self, cluster):
        self.on_each(cluster, "pkill -KILL -x ssh; pkill -KILL -f '^sshd: mainstay-peer'")

    end = begin


@kind
class SlowLink(Fault):
    """What it is sent waits in a queue, up to a second."""

    def draw(self, rng, names):
        self.rate = rng.choice(["64kbit", "256kbit", "1mbit"])
        return [rng.choice(names)]

    def more(self):
        return [self.rate]

    def begin(self, cluster):
        host_run("tc", "qdisc", "add", "dev", network_link(cluster.lab.name, self.names[0]), "root",
                 "tbf", "rate", self.rate, "burst", "4kb", "latency", "1s")

    def end(self, cluster):
        host_run("tc", "qdisc", "delete", "dev", network_link(cluster.lab.name, self.names[0]), "root", check=False)


# Files. What is done to them happens while the node is off.

class FileHarmed(Fault):
    """The node loses power, and comes back with files that are not as it left them."""
    files = ()

    def may_need_help(self):
        return True

    def keep(self, cluster):
        """What an old backup has."""
        with contextlib.suppress(OSError):
            self.old = cluster.node(self.names[0]).path(self.file).read_bytes()

    def draw(self, rng, names):
        self.file = rng.choice(self.files)
        self.how = rng.choice(sorted(HARMS))
        self.old = None
        name, self.other = rng.sample(names, 2)
        return [name]

    def begin(self, cluster):
        name, = self.names
        cluster.lab.cut(name)
        path = cluster.node(name).path(self.file)
        if path.exists():
            HARMS[self.how](path, cluster.node(self.other).path(self.file), self.old)

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
    "truncated": lambda path, *_: overwrite(path, path.read_bytes()[:len(path.read_bytes()) // 2]),
    "emptied": lambda path, *_: overwrite(path, b""),
    "zeroed": lambda path, *_: overwrite(path, bytes(len(path.read_bytes()))),
    "removed": lambda path, *_: path.unlink(),
    "swapped": lambda path, other, _: overwrite(path, other.read_bytes()) if other.exists() else None,
    "restored": lambda path, _, old: overwrite(path, old) if old is not None else None,
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
        # An agent that tries to start keeps it busy.
        self.on_each(cluster, "systemctl stop mainstayd; umount --lazy /var/lib/mainstay; systemctl start --no-block mainstayd")


@kind
class DiskFull(Several):
    """Of the server, the agent and the journal alike: they share it."""

    def begin(self, cluster):
        for name in self.names:
            fill(cluster.node(name).path(ROOT_FULL))

    def end(self, cluster):
        for name in self.names:
            cluster.node(name).path(ROOT_FULL).unlink(missing_ok=True)

    def may_need_help(self):
        # A server that could not write a change has other data than the others.
        return True


def fill(path):
    """Takes all the room there is, to the last block."""
    with open(path, "wb", buffering=0) as file:
        room = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
        while room >= 4096:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room)
            room //= 2


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
    "timeout 15 mainstayctl recover --yes --no-wait",
    "mainstayctl join --donor db1 --no-wait",
    "systemctl stop mainstayd; sleep 1; systemctl start mainstayd",
    "systemctl kill mariadb",
    "sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' /var/lib/mysql/grastate.dat",
)

# A server that a person stops stays stopped: by these, where it runs, for the start that
# is a part of the first one is refused.
STOPPING = ("galera_new_cluster", "systemctl kill mariadb")


@kind
class Operator(Fault):
    """Types something at a bad moment."""

    def draw(self, rng, names):
        self.verb = rng.choice(VERBS)
        return [rng.choice(names)]

    def begin(self, cluster):
        self.process = cluster.node(self.names[0]).spawn(self.verb)

    def end(self, cluster):
        return end_process(self.process)

    def may_need_help(self):
        return any(word in self.verb for word in STOPPING)

    def more(self):
        return [repr(self.verb)]


def end_process(process):
    """Waits for it a little, and ends it; returns its last words. None has begun on a node that was off."""
    if process is None:
        return ""
    try:
        out, err = process.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    return " ".join(" ".join((out + err).split())[-300:].split())


@kind
class OperatorGivesUp(Operator):
    """Says of others that they are gone for good, which may be so, or not."""

    def draw(self, rng, names):
        name, *self.without = rng.sample(names, rng.randint(2, len(names)))
        self.verb = f"timeout 30 mainstayctl bootstrap --without {' '.join(self.without)}"
        return [name]

    def may_need_help(self):
        # What those have who were given up may not fit to what the others did.
        return True

"""What can go wrong with a primary and its replicas, beside what can with any node
(faults.py): copies that are begun, streams that break, and what harms replication."""

import json
from itertools import count

import interruption

from breakage import stop_sql, write_beforehand
from faults import (HARMS, SHORT, AgentFrozen, AgentKilled, DeafTo, Fault, FileHarmed, LinkDown, LossyFor, NodeFrozen,
                    OrderlyPowerOff, Parted, PowerCut, Several, SlowLink, SshRefused)
from lablib import LabError

STATE = "/var/lib/mainstay"

# Which rows somebody else than the ledger writes.
_others = count(1)


class Copy(Fault):
    """A replica is given a copy of another node's data: what all else happens during."""

    def draw(self, rng, names):
        name = rng.choice(names[1:])
        self.source = rng.choice([other for other in names if other != name])
        self.asked = rng.choice(names)
        # Of interruption.methods().
        self.method = rng.choice([0, 0, 0, 1])
        return [name]

    def begin(self, service):
        name, = self.names
        said = service.node(self.asked).run(["mainstayctl", "provision", name, "--source", self.source, "--method", interruption.methods(service)[self.method],
                                             "--no-wait", "--json"], check=False, timeout=SHORT)
        if said.returncode:
            raise LabError(said.stdout + said.stderr)
        service.begun[name] = json.loads(said.stdout)["job"]

    def more(self):
        return [f"of {self.source}, asked on {self.asked}, by {('its own method', 'dump')[self.method]}"]


# Processes, by the names that a server's package gives them.

class OfServers(Several):
    """One that is off does not keep the others from it."""

    def on_each(self, service, command, timeout=SHORT):
        for node in service.nodes(*self.names):
            if node.state() == "running":
                node.run(command, check=False, timeout=timeout)


class ServerKilled(OfServers):
    def begin(self, service):
        self.on_each(service, f"systemctl kill -s KILL {service.flavour.unit}")

    def end(self, service):
        # systemd does it itself, unless it happened too often.
        unit = service.flavour.unit
        self.on_each(service, f"systemctl is-failed -q {unit} && systemctl reset-failed {unit} && systemctl start --no-block {unit}")


class ServerStopped(OfServers):
    def begin(self, service):
        self.on_each(service, f"systemctl stop --no-block {service.flavour.unit}")

    def end(self, service):
        self.on_each(service, f"systemctl start --no-block {service.flavour.unit}")


class ServerFrozen(Fault):
    """And the one beside it, on which a copy catches up."""

    def begin(self, service):
        self.on_each(service, f"pkill -STOP -x {service.flavour.program}")

    def end(self, service):
        self.on_each(service, f"pkill -CONT -x {service.flavour.program}")


class StreamBroken(Fault):
    """What a copy comes by, or is made by, ends in the middle."""
    ways = {
        "connections": "ss --kill --tcp state established >/dev/null",
        "tools": "pkill -KILL -f '^[^ ]*/(mariadb-backup|mbstream|mysqldump|mariadb-dump|mysql|mariadb) '",
        "helpers": "systemctl kill -s KILL 'mainstay-provision@*' 'mainstay-backup@*'",
        "shadow": "systemctl kill -s KILL mainstay-shadow",
    }

    def draw(self, rng, names):
        self.way = rng.choice(sorted(self.ways))
        return [rng.choice(names)]

    def begin(self, service):
        self.on_each(service, self.ways[self.way])

    def more(self):
        return [self.way]


# Files.

class ReplicationFileHarmed(FileHarmed):
    """What a replica's server has written down of its replication. MySQL has the first two in tables."""
    files = ("var/lib/mysql/relay-log.info", "var/lib/mysql/master.info", "var/lib/mysql/*-relay-bin.0*", "var/lib/mysql/*-relay-bin.index")

    def draw(self, rng, names):
        super().draw(rng, names)
        self.how = rng.choice(sorted(set(HARMS) - {"swapped"}))
        return [rng.choice(names[1:])]

    def begin(self, service):
        name, = self.names
        service.lab.cut(name)
        if paths := sorted(service.node(name).path("").glob(self.file)):
            HARMS[self.how](paths[-1], None)


class AgentFileHarmed(ReplicationFileHarmed):
    files = ("var/lib/mainstay/state.json", "var/lib/mainstay/replica.cnf", "var/lib/mainstay/jobs/*.json")

    def draw(self, rng, names):
        super().draw(rng, names)
        return [rng.choice(names)]


class AgentCannotWrite(Fault):
    """What the agent writes down lies on a file system that is read-only."""

    def begin(self, service):
        node = service.node(self.names[0])
        if not is_mounted(node):
            interruption.mount(node, "--bind", STATE, STATE)
        interruption.mount(node, "-o", "remount,bind,ro", STATE)
        node.run("systemctl kill -s KILL mainstayd", check=False, timeout=SHORT)

    def end(self, service):
        """It stays where it was mounted upon itself: from outside that is not taken away."""
        node = service.node(self.names[0])
        if is_mounted(node):
            interruption.mount(node, "-o", "remount,bind,rw", STATE)


def is_mounted(node):
    return f" {STATE} " in node.run(["cat", "/proc/mounts"]).stdout


class AgentDiskFull(Fault):
    """Or on one without any room, under an agent that runs on. What was written there stays, unless the power fails, too."""

    def begin(self, service):
        node = service.node(self.names[0])
        node.run("systemctl stop mainstayd", timeout=SHORT)
        interruption.mount(node, "-t", "tmpfs", "-o", "size=4m,mode=0755", "tmpfs", "/mnt")
        node.run(f"cp -a {STATE}/. /mnt; chown --reference={STATE} /mnt")
        interruption.mount(node, "--bind", "/mnt", STATE)
        node.run("cat /dev/zero > /mnt/filler; systemctl start --no-block mainstayd", check=False, timeout=SHORT)

    def end(self, service):
        node = service.node(self.names[0])
        if " /mnt " in node.run(["cat", "/proc/mounts"]).stdout:
            node.run("systemctl stop mainstayd; rm -f /mnt/filler", check=False, timeout=SHORT)
            interruption.mount(node, STATE, program="umount")
            # As it is there: what was removed must not come back.
            node.run(f"find {STATE} -mindepth 1 -delete; cp -a /mnt/. {STATE}")
            interruption.mount(node, "/mnt", program="umount")
            node.run("systemctl restart --no-block mainstayd", check=False, timeout=SHORT)


# What replication does not survive by itself.

class SqlBroken(Fault):
    """A replica has a row that is about to come, and its own under that number."""

    def draw(self, rng, names):
        self.own = rng.random() < 0.3
        return [rng.choice(names[1:])]

    def begin(self, service):
        name, = self.names
        self.number = -1000 - next(_others)
        service.spoiled.add(name)
        write_beforehand(service, name, self.number, logged=self.own)
        service.conflicts.append(self.number)
        service.settle_conflicts()

    def more(self):
        return ["by a transaction of its own"] if self.own else []


class ThreadStopped(Fault):
    def draw(self, rng, names):
        return [rng.choice(names[1:])]

    def begin(self, service):
        stop_sql(service, self.names[0])


# People.

LAST_JOB = "$(mainstayctl job show --json | sed -n 's/^ *\"id\": *\\([0-9]*\\).*/\\1/p' | head -n 1)"
VERBS = (
    "mainstayctl recover",
    "mainstayctl recover {node}",
    "mainstayctl provision {node} --no-wait",
    "mainstayctl provision commit {node}",
    "mainstayctl provision rollback {node}",
    f"mainstayctl job cancel {LAST_JOB}",
    "mainstayctl online {node}",
    "mainstayctl offline {node}",
    "mainstayctl drain {node} --no-wait",
    "mainstayctl shun {node} --reason 'a bad moment'",
    "mainstayctl shun {node} --for 5s",
    "mainstayctl repoint {node} --no-wait",
    "mainstayctl replicator {node} offline",
    "mainstayctl replicator {node} replica",
    "mainstayctl setup --check",
    "mainstayctl doctor",
    "mainstayctl explain {node}",
    "mainstayctl policy manual; sleep 2; mainstayctl policy automatic",
    "mainstayctl policy maintenance; sleep 2; mainstayctl policy automatic",
    "systemctl restart --no-block {unit}",
    "systemctl restart --no-block mainstayd",
    "systemctl daemon-reexec",
)


class Operator(Fault):
    """Types something at a bad moment, on some node about one that may be another."""

    def draw(self, rng, names):
        self.verb = rng.choice(VERBS)
        self.other = rng.choice(names)
        return [rng.choice(names)]

    def begin(self, service):
        verb = self.verb.format(node=self.other, unit=service.flavour.unit)
        done = service.node(self.names[0]).run(["timeout", "-s", "INT", "10", "sh", "-c", verb], check=False, timeout=SHORT)
        if done.returncode:
            raise LabError(f"{done.returncode}: {done.stdout}{done.stderr}")

    def more(self):
        return [repr(self.verb.format(node=self.other, unit="UNIT")[:60])]


KINDS = [PowerCut, OrderlyPowerOff, ServerKilled, ServerStopped, ServerFrozen, AgentKilled, AgentFrozen, NodeFrozen, LinkDown, Parted,
         DeafTo, SshRefused, LossyFor, SlowLink, StreamBroken, ReplicationFileHarmed, AgentFileHarmed, AgentCannotWrite, AgentDiskFull,
         SqlBroken, ThreadStopped, Operator, Operator]
# After these a person may have to say how it goes on.
FOR_A_PERSON = (Copy, ReplicationFileHarmed, AgentFileHarmed, AgentDiskFull, SqlBroken, ThreadStopped, Operator)

"""Nodes that run Mainstay, set up as the README says: what scenarios do to them,
and what they ask of them."""

import json
import threading
import time
from contextlib import contextmanager

from lablib import Lab, LabError, SeededLab, wait_until
from lablib.flavour import MariaDB
from lablib.image import IMAGES, image_flavour

# The machine may be busy with other things. Nothing waits this long when all
# is well.
PATIENT = 120

GRASTATE = "var/lib/mysql/grastate.dat"
GVWSTATE = "var/lib/mysql/gvwstate.dat"

# What both Galera and the agent say once for each bootstrap.
LED = "This node has formed the cluster"
RESUMED = "The members of the last Primary view are in service again, together"
JOURNALS = ["--unit=mainstayd", "--unit=mariadb", "--unit=mainstay-*"]


class Cluster:
    """A lab, and one ledger for as long as it lives."""

    IMAGES = [name for name in IMAGES if image_flavour(name) is MariaDB]

    def __init__(self, lab):
        self.lab = lab
        self.ledger = lab.ledger()
        self.since = time.time()

    # From bare nodes to a cluster, by the README's own steps.

    @staticmethod
    def lab_of(deb, name, image, count=3, by_address=False, **options):
        """Three nodes begin from nothing; where there are more, that would take
        minutes, and a cluster that was stopped in good order comes to the same."""
        kind = Lab if count == 3 else SeededLab
        return kind(count, name=name, image=image, deb=deb, by_address=by_address, **options)

    @classmethod
    def form(cls, lab):
        """Sets all nodes up, and begins a cluster."""
        self = cls(lab)
        first, *others = lab.nodes
        first.run(["mainstayctl", "setup", *(node.name for node in others)], check=False, timeout=PATIENT)
        self.wait(lambda: all(self.hears_all(node) for node in lab.nodes),
                  "the agents to hear each other")
        # A seeded lab is a cluster that was stopped in good order, and has never seen Mainstay.
        words = [] if isinstance(lab, SeededLab) else ["--force=new-cluster"]
        first.run(["mainstayctl", "bootstrap", *words], timeout=PATIENT)
        first.run(["mainstayctl", "setup"], check=False)    # now it has an account
        for node in others:
            node.run(["systemctl", "start", "mariadb"], timeout=PATIENT)
        lab.create_ledger(first)
        self.on_all(lambda node: node.run(
            "mainstayctl setup; systemctl enable mariadb mainstayd", check=False))
        self.on_all(lambda node: self.wait(
            lambda: node.run(["mainstayctl", "setup", "--check"], timeout=PATIENT),
            f"`mainstayctl setup --check` to be content on {node.name}"))
        self.check()
        return self

    def make_whole(self):
        """What every scenario begins with: all nodes on, Synced, and heard."""
        if off := [node.name for node in self.lab.nodes if node.state() == "off"]:
            self.lab.boot(*off)
        self.wait_synced()
        self.since = time.time()

    # Of nodes by name.

    def node(self, name):
        return self.lab.node(name)

    def nodes(self, *names):
        """The nodes of these names; all of them when none is named."""
        return [self.node(name) for name in names] or list(self.lab.nodes)

    def on_all(self, function, *names):
        """Calls function(node) for the nodes side by side; returns {name: result}."""
        results, errors = {}, []

        def call(node):
            try:
                results[node.name] = function(node)
            except Exception as error:    # raised again below, in the caller's thread
                errors.append(error)

        threads = [threading.Thread(target=call, args=(node,)) for node in self.nodes(*names)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return results

    def wait(self, predicate, what, timeout=PATIENT, interval=0.1):
        return wait_until(predicate, timeout, what, interval=interval)

    # What is done to them.

    def stop_one_by_one(self, *names):
        """Stops mysqld gracefully, one after another; while a ledger writes, each
        has missed something of what the next ones have."""
        for at, name in enumerate(names):
            if self.is_writing() and at + 1 < len(self.lab.nodes):
                self.write_some(through=names[-1])
            self.node(name).run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
            if self.is_writing() and at + 1 < len(names):
                self.write_some(through=names[-1])

    def start_by_hand(self, *names):
        """`systemctl start mariadb`, in this order, without waiting."""
        for node in self.nodes(*names):
            node.run(["systemctl", "start", "--no-block", "mariadb"])

    def is_writing(self):
        return bool(self.ledger._threads)

    def write_some(self, through=None, rows=5):
        """Waits until so many more rows are acknowledged."""
        moment = time.monotonic()
        for _ in range(rows):
            moment = self.ledger.wait_accepted(moment, PATIENT, node=through).accepted_at

    @contextmanager
    def between_writes(self):
        """Inside no write is under way and all nodes have the same, for nodes that are given
        up afterwards: Galera acknowledges a write as soon as its origin knows that all nodes
        have received it, which the others may not know yet, and never do if the origin is
        lost then. Such a row is only with those who are given up."""
        self.ledger.stop()
        self.wait(lambda: len({node.wsrep_status()["last_committed"] for node in self.nodes()}) == 1,
                  "all nodes to have the same")
        yield
        self.ledger.start()

    # What they say.

    def ask(self, node, *words):
        """mainstayctl's answer as JSON, whatever it ends with; {} for none."""
        done = self.node(node).run(["mainstayctl", *words, "--json"], check=False)
        try:
            return json.loads(done.stdout) or {}
        except ValueError:
            return {}

    def plan(self, node, *words):
        return self.ask(node, "plan", *words)

    def condition(self, node, peer):
        """What `node` knows of `peer`: known, alive, uncertain."""
        for entry in self.ask(node, "status").get("peers", []):
            if peer in (entry.get("node"), entry.get("label")):
                return entry["condition"]
        return None

    def hears_all(self, node):
        peers = self.ask(node.name, "status").get("peers", [])
        return len(peers) == len(self.lab.nodes) - 1 and all(
            peer["condition"] == "known" for peer in peers)

    def state(self, node):
        return self.ask(node, "status").get("state")

    def said(self, node, unit="mainstayd"):
        """What a unit wrote to the journal since the scenario began. The gate ends with its
        last word, and journald may then be too late to see of which unit it was."""
        of_unit = [f"--unit={unit}"] if unit.startswith("mainstay") else [
            f"_SYSTEMD_UNIT={unit}.service", "+", f"UNIT={unit}.service", "+", "SYSLOG_IDENTIFIER=mainstay-gate"]
        return self.node(node).run(["journalctl", "--no-pager", "--quiet", "-o", "cat",
                                    f"--since=@{self.since:.3f}", *of_unit]).stdout

    def unit_status(self, node, unit="mariadb"):
        return self.node(node).run(["systemctl", "status", "--no-pager", "--full", "--lines=30",
                                    unit], check=False).stdout

    def status_line(self, node, unit="mariadb"):
        """The one line that a unit says of itself now; not what it said before."""
        return self.node(node).run(["systemctl", "show", "--value", "--property=StatusText", unit]).stdout.strip()

    def is_primary(self, node):
        try:
            return self.node(node).wsrep_status(timeout=2)["cluster_status"] == "Primary"
        except (LabError, KeyError):
            return False

    # What must hold.

    def wait_said(self, node, text, unit="mainstayd"):
        return self.wait(lambda: text in self.said(node, unit), f"{node}'s {unit} to say {text!r}",
                         interval=0.3)

    def wait_synced(self, *names):
        nodes = self.nodes(*names)
        self.wait(lambda: all(node.is_synced(len(nodes)) for node in nodes),
                  f"{', '.join(node.name for node in nodes)} to be Synced together")

    def wait_left(self, name, gone):
        """Waits until its agent knows at which position a view without `gone` began. Cut
        before, the node would wait for all others, for it cannot tell who is behind it."""
        self.wait(lambda: (view := self.placed_view(name)) and gone not in view["members"],
                  f"{name} to know of the view without {gone}: {self.ask(name, 'status').get('view')}", timeout=30)

    def wait_placed(self):
        """Waits until all agents know at which position the view of all began, as a while
        after a start they do."""
        names = self.lab.names()
        self.wait(lambda: all((view := self.placed_view(name)) and len(view["members"]) == len(names) for name in names),
                  "all agents to know their view", timeout=60)

    def placed_view(self, name):
        view = self.ask(name, "status").get("view") or {}
        return view if view.get("seqno", 0) > 0 else None

    def wait_awaits(self, node, awaited):
        """The node's plan is to wait for exactly these."""
        self.wait(lambda: (plan := self.plan(node)).get("action") == "wait"
                  and sorted(plan.get("awaited", [])) == sorted(awaited),
                  f"{node} to wait for {', '.join(awaited)}")

    def leaders(self):
        """Who bootstrapped since the scenario began, once for each time."""
        return [node.name for node in self.lab.nodes if node.state() == "running"
                for _ in range(self.said(node.name).count(LED))]

    def resumed(self):
        """Who said since the scenario began that the last view was resumed."""
        return [node.name for node in self.lab.nodes if node.state() == "running"
                and RESUMED in self.said(node.name)]

    def check_formed_once(self):
        """Since the scenario began one node bootstrapped, once, or all resumed the
        last view: which of the two, is as much as they had written when the power went."""
        self.wait(lambda: self.leaders() + self.resumed(), "an agent to say how the cluster was formed")
        assert len(self.leaders() + self.resumed()) == 1, f"led: {self.leaders()}, resumed: {self.resumed()}"

    def check_led(self, leader):
        """Exactly this node bootstrapped since the scenario began, exactly once."""
        self.wait(lambda: leader in self.leaders(), f"{leader} to say that it led")
        assert self.leaders() == [leader], f"{leader} should have led alone, not {self.leaders()}"

    def check_nobody_led(self, seconds=0):
        """Nobody is Primary, nor becomes so in this time."""
        end = time.monotonic() + seconds
        while True:
            for node in self.lab.nodes:
                assert not (node.state() == "running" and self.is_primary(node.name)), \
                    f"{node.name} is Primary"
            if time.monotonic() >= end:
                break
            time.sleep(0.2)
        assert not self.leaders(), f"{self.leaders()} bootstrapped"

    def check(self, *names):
        """All nodes, or those named, are one Primary component with every
        acknowledged row, and their agents see it so."""
        self.wait_synced(*names)
        self.ledger.check(self.nodes(*names), timeout=PATIENT)
        for node in self.nodes(*names):
            self.wait(lambda: self.state(node.name) == "ONLINE", f"{node.name} to be ONLINE")
            if not names:
                self.wait(lambda: self.hears_all(node), f"{node.name} to hear all others")

    def said_by_agents(self, since, lines=25):
        """The last that agents and gates said on any node since then, in the order of time."""
        said = []
        for node in self.lab.nodes:
            if node.state() == "running":
                said += _words(lambda: node.run(
                    ["journalctl", "--no-pager", "--quiet", "-o", "short-precise", f"--since=@{since:.0f}",
                     "-t", "mainstayd", "-t", "mainstay-gate", "-t", "mainstayctl"], check=False, timeout=15)).splitlines()
        return sorted(said)[-lines:]

    def diagnosis(self, lines=60):
        """What a person wants to see of a failure."""
        parts = []
        for node in self.lab.nodes:
            parts.append(f"===== {node.name}: {node.state()}")
            if node.state() == "running":
                for command in ("mainstayctl status", "mainstayctl plan",
                                "cat /var/lib/mysql/grastate.dat"):
                    parts.append(_words(lambda c=command: node.run(c, check=False, timeout=15)))
                parts.append(_words(lambda: node.run(
                    ["journalctl", "--no-pager", "--quiet", "-o", "short-precise",
                     f"--lines={lines}", *JOURNALS], check=False, timeout=15)))
            else:
                parts.append(node.diagnosis(lines))
        return "\n".join(parts)


def _words(source):
    try:
        done = source()
        return (done.stdout + done.stderr).rstrip()
    except (LabError, OSError) as error:
        return f"({error})"

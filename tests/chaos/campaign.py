"""Rounds of faults: what is drawn for one, how it is carried out, and what must hold after it."""

import json
import random
import time

from cluster import LED, PATIENT
from faults import KINDS
from lablib import LabError
from watch import given_up, voted_out

# A round, in seconds: when faults begin, and how long they last.
BEGIN_WITHIN = 12
LAST_AT_MOST = 15
MOST_AT_ONCE = 4

# How long the nodes may take to be whole again by themselves once all faults are over.
# A server that lost its peers waits for them; a full copy and a start that failed take most.
BY_THEMSELVES = 150
# Where somebody harmed a file, or gave a node up, one may have to wait for a person.
BEFORE_HELP = 40

# What tells in a timeline that a node waits for a person, and what one did.
WAITS = " waits: "
HELPED = " is helped: "

# What a write or a start that was interrupted could leave.
LEFT = "find /var/lib/mainstay /var/lib/mysql -xdev -name '.*.tmp'; ls /run/mainstay/start.env"


class Round:
    """What is drawn from a seed and the round's number: the same again each time."""

    def __init__(self, seed, number, names):
        rng = random.Random(f"{seed}/{number}")
        self.number = number
        self.faults = []
        for _ in range(rng.choice([1, 1, 2, 2, 3, MOST_AT_ONCE])):
            fault = rng.choice(KINDS)(rng, names)
            begin = rng.uniform(0, BEGIN_WITHIN)
            self.faults.append((begin, begin + rng.uniform(0.5, LAST_AT_MOST), fault))

    def __str__(self):
        return "; ".join(f"{begin:.1f}-{end:.1f} s {fault}" for begin, end, fault in sorted(self.faults, key=lambda f: f[0]))


class Timeline:
    """What was done when, for people; with what the nodes said meanwhile, of which each is (time, words)."""

    def __init__(self):
        self.lines = []

    def add(self, what):
        self.lines.append((time.time(), what))

    def merged(self, said):
        return "\n".join(f"{stamp(moment)} {what}" for moment, what in sorted([*self.lines, *said], key=lambda line: line[0]))

    def __str__(self):
        return self.merged([])


def stamp(moment):
    return time.strftime("%H:%M:%S", time.localtime(moment)) + f".{int(moment * 1000) % 1000:03}"


def carry_out(cluster, drawn, timeline):
    """Begins and ends each fault in its time. All have ended when it returns."""
    steps = sorted([(begin, n, "begins", fault) for n, (begin, _, fault) in enumerate(drawn.faults)] +
                   [(end, n, "ends", fault) for n, (_, end, fault) in enumerate(drawn.faults)], key=lambda step: step[:2])
    for _, _, fault in drawn.faults:
        fault.keep(cluster)
    zero = time.monotonic()
    for at, _, what, fault in steps:
        time.sleep(max(0, zero + at - time.monotonic()))
        timeline.add(f"{what}: {fault}")
        try:
            if said := fault.begin(cluster) if what == "begins" else fault.end(cluster):
                timeline.add(f"    {said}")
        except (LabError, OSError) as error:
            # Another fault has the node.
            timeline.add(f"    {' '.join(str(error).split())[:200]}")
    off = [node.name for node in cluster.nodes() if node.state() == "off"]
    if off:
        timeline.add(f"boots: {', '.join(off)}")
        cluster.lab.boot(*off)
    cluster.lab.unite()
    cluster.lab.link(True)


def come_back(cluster, drawn, timeline):
    """Waits for all nodes to be in service. Where one waits for a person, does what it says."""
    harmed = any(fault.may_need_help() for _, _, fault in drawn.faults)
    try:
        cluster.wait(lambda: all_synced(cluster) and all_heard(cluster), "all nodes to be Synced", timeout=BEFORE_HELP if harmed else BY_THEMSELVES, interval=0.5)
    except LabError:
        timeline.add("not all are back by themselves")
        give_up_unusable(cluster, timeline)
        helped = [help_node(cluster, node, timeline) for node in cluster.nodes()]
        assert harmed or not any(helped), "a node waited for a person, though nothing was done to its data"
        cluster.wait(lambda: all_synced(cluster), "all nodes to be Synced with a person's help", timeout=PATIENT, interval=0.5)
    timeline.add("all are back")


def all_synced(cluster):
    return all(node.is_synced(len(cluster.nodes())) for node in cluster.nodes())


def all_heard(cluster):
    """Whether every agent answers; a server may run without."""
    return all(cluster.state(node.name) for node in cluster.nodes())


def help_node(cluster, node, timeline):
    """Does as its own plan tells, the command being in the words of a reason; returns whether it does."""
    if damaged := unusable(cluster, node):
        timeline.add(f"{node.name}{WAITS}{damaged}")
        # As it says: while a Primary component exists.
        if any(cluster.is_primary(other.name) for other in cluster.nodes() if other is not node):
            command = "mv /var/lib/mainstay/state.json /root/ && systemctl restart mainstayd && systemctl start mariadb"
            timeline.add(f"{node.name}{HELPED}{command}")
            node.run(command, check=False, timeout=PATIENT)
        return True
    if node.is_synced():
        return False
    reasons = [reason["text"] for reason in cluster.plan(node.name).get("reasons", [])]
    assert reasons, f"{node.name} is not back, and gives no reason"
    timeline.add(f"{node.name}{WAITS}{' '.join(reasons)[:500]}")
    for command in ("mainstayctl recover --yes", "systemctl start --no-block mariadb"):
        verb = command.split(" --")[0]
        if any(verb in reason for reason in reasons) or (verb.startswith("systemctl") and stopped(node)):
            timeline.add(f"{node.name}{HELPED}{command}")
            done = node.run(command, check=False, timeout=PATIENT)
            if done.returncode:
                timeline.add(f"    {' '.join((done.stdout + done.stderr).split())[:300]}")
            return True
    return False


def give_up_unusable(cluster, timeline):
    """Where no node serves and all wait for those whose agent does not start, or whose files
    tell nothing, a person gives them up, as the plans say; what only they have may then be lost."""
    gone = [node for node in cluster.nodes() if unusable(cluster, node) or cluster.state(node.name) == "FAILED"]
    others = [node for node in cluster.nodes() if node not in gone]
    if not gone or not others or any(node.is_synced() for node in others):
        return
    reasons = " ".join(reason["text"] for reason in cluster.plan(others[0].name).get("reasons", []))
    timeline.add(f"{others[0].name}{WAITS}{reasons}")
    command = f"mainstayctl bootstrap --without {' '.join(node.name for node in gone)}"
    assert "mainstayctl bootstrap --without" in reasons, f"nothing is said of {command}: {reasons}"
    timeline.add(f"{others[0].name}{HELPED}{command}")
    done = others[0].run(command, check=False, timeout=PATIENT)
    if done.returncode:
        timeline.add(f"    {' '.join((done.stdout + done.stderr).split())[:300]}")
    cluster.wait(lambda: any(node.is_synced() for node in others), f"{command} to come about", interval=0.5)


def unusable(cluster, node):
    """What the agent last said of a state file for which it does not start: it is no agent's to
    decide that its promises are forgotten, and no plan can be had from it. None where it runs."""
    if node.run("systemctl is-active mainstayd", check=False).stdout.strip() == "active":
        return None
    return next((line for line in reversed(cluster.said(node.name).splitlines()) if "move it aside" in line), None)


def stopped(node):
    return node.run("systemctl is-active mariadb", check=False).stdout.strip() in ("inactive", "failed")


def check(cluster):
    """After a round: nothing is lost but what an operator gave up or the servers voted out,
    there is one history, and nothing is left lying about. Returns whom."""
    cluster.ledger.given_up = given_up(cluster) | voted_out(cluster)
    cluster.check()
    histories = {node.name: json.dumps(cluster.ask(node.name, "report").get("history")) for node in cluster.nodes()}
    assert len(set(histories.values())) == 1, f"histories differ: {histories}"
    for node in cluster.nodes():
        cluster.wait(lambda: not leftovers(cluster, node), f"nothing to be left on {node.name}: {leftovers(cluster, node)}", timeout=30, interval=1)
    return cluster.ledger.given_up


def leftovers(cluster, node):
    report = cluster.ask(node.name, "report")
    left = [name for name in ("claim", "grant") if report.get(name)]
    left += node.run(LEFT, check=False).stdout.split()
    left += [f"job {job['id']}" for job in cluster.ask(node.name, "job", "list") if job.get("state") in ("running", "waiting")]
    return left


def led(cluster):
    """How often a node formed the cluster since the round began."""
    return sum(cluster.said(node.name).count(LED) for node in cluster.nodes() if node.state() == "running")

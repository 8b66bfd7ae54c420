"""Rounds of faults on a primary and its replicas: what is drawn, who is helped and how, and what must hold."""

import random
import re
import threading
import time
from collections import Counter

import replica_faults as faults

from campaign import BEGIN_WITHIN, LAST_AT_MOST, MOST_AT_ONCE, Timeline, carry_out, stamp
from cluster import PATIENT
from lablib import LabError
from provision import NEW, OLD
from replication import Service
from voices import voices

# In how many of them a copy is begun, and how soon: its steps are what faults are to meet.
COPIES = 0.8
COPY_WITHIN = 3

# How long a job or an agent may be at it by itself before somebody looks, in seconds, and how
# often that person types what is said there. A copy that failed is begun with its last step.
BY_THEMSELVES = 60
BEFORE_HELP = 12
HELPED_AT_MOST = 6
TYPED_AT_MOST = 4

OVER = ("done", "failed", "cancelled")
# Where somebody is told to look, or to wait, and what therefore mends nothing.
LOOKS = ("job", "status", "doctor", "explain", "plan", "setup", "history")
TYPED = re.compile(r"mainstayctl ((?:-H \S+ )?[a-z]+(?: (?:--?)?[a-z0-9][\w=]*(?:-\w+)*)*)")
# What an agent says whose state is damaged.
MOVED = re.compile(r"(mv \S+ \S+; systemctl restart mainstayd)\.")

# What a step that was interrupted could leave.
LEFT = f"""\
find /var/lib/mainstay /var/lib/mysql /etc/mainstay -xdev -name '.*.tmp'
ls -d /run/mainstay/start.env /{OLD} /{NEW} /var/lib/.mysql* /run/mainstay-shadow
for unit in mainstay-shadow 'mainstay-provision@*' 'mainstay-backup@*' 'mainstay-replicator@*'; do
        systemctl list-units --plain --no-legend --all --state=active,activating,deactivating,failed "$unit" | cut -d' ' -f1
done
cut -d' ' -f2 /proc/mounts | grep -E '^/(var/lib/mysql|mnt|run/mainstay)'
pgrep -l 'mbstream|mariadb-backup|mariadb-dump|mysqldump'
"""


class Round:
    """What is drawn from a seed and the round's number: the same again each time."""

    def __init__(self, seed, number, names):
        rng = random.Random(f"replicas/{seed}/{number}")
        self.policy = rng.choice(["automatic", "automatic", "manual"])
        self.keeps = rng.choice(["commit", "commit", "rollback"])
        self.faults = []
        if rng.random() < COPIES:
            self.faults.append((rng.uniform(0, COPY_WITHIN), BEGIN_WITHIN, faults.Copy(rng, names)))
        for _ in range(rng.choice([1, 1, 2, 2, 3, MOST_AT_ONCE])):
            fault = rng.choice(faults.KINDS)(rng, names)
            begin = rng.uniform(0, BEGIN_WITHIN)
            self.faults.append((begin, begin + rng.uniform(0.5, LAST_AT_MOST), fault))
        # Which a person may have to end.
        self.for_a_person = any(isinstance(fault, faults.FOR_A_PERSON) for _, _, fault in self.faults)

        # Who may not know any more what it was at.
        self.forgetful = {name for _, _, fault in self.faults if isinstance(fault, faults.AgentFileHarmed) for name in fault.names}

    def kinds(self):
        return Counter(type(fault).__name__ for _, _, fault in self.faults)

    def __str__(self):
        drawn = "; ".join(f"{begin:.1f}-{end:.1f} s {fault}" for begin, end, fault in sorted(self.faults, key=lambda f: f[0]))
        return f"policy {self.policy}, then {self.keeps}; {drawn}"


class UnderFire(Service):
    """A Service, and what faults have begun or spoiled there in this round."""

    def make_whole(self):
        super().make_whole()
        self.begun, self.spoiled, self.conflicts = {}, set(), []

    def settle_conflicts(self):
        """A row that a replica has already comes from the primary, too, as soon as that can write."""
        while self.conflicts:
            self.primary().rows(f"INSERT IGNORE INTO lab.ledger VALUES ({self.conflicts[0]}, 'of the primary')")
            self.conflicts.pop(0)

    def states_seen(self, name):
        """By that node; {} where it does not answer."""
        return {node["node"]: node["state"] for node in self.ask(name, "status").get("service", {}).get("nodes", [])}

    def jobs(self, name):
        done = self.ask(name, "job", "list")
        return done.get("jobs", []) if isinstance(done, dict) else done


class Watch:
    """Looks all the time whether a node beside the primary can be written to."""

    def __init__(self, service):
        self.service, self.end, self.looks, self.found = service, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.look, args=(node,), daemon=True) for node in service.lab.replicas()]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join(10)

    def look(self, node):
        while not self.end.wait(0.2):
            try:
                writable = node.rows("SELECT @@GLOBAL.read_only", timeout=1) == [["0"]]
            except (LabError, OSError):
                continue
            self.looks += 1
            if writable:
                self.found.append(f"{stamp(time.time())} {node.name}")

    def check(self):
        assert not self.found, f"a second node could be written to: {', '.join(self.found[:5])}"


class Outcome:
    """Of one round, for the summary."""

    def __init__(self, drawn):
        self.drawn, self.back, self.typed, self.jobs, self.rows, self.looks = drawn, 0.0, [], Counter(), 0, 0

    def jobs_text(self):
        return ", ".join(f"{number} {what}" for what, number in sorted(self.jobs.items())) or "no jobs"


def play(service, drawn, timeline):
    """The round itself; returns its Outcome, and raises where something does not hold."""
    outcome = Outcome(drawn)
    rows = len(service.ledger.accepted())
    before = {name: {job["id"] for job in service.jobs(name)} for name in service.names()}
    service.ctl("db1", "policy", drawn.policy)
    with service.ledger, Watch(service) as watch:
        carry_out(service, drawn, timeline)
        service.wait(lambda: not service.settle_conflicts(), "the primary to be written to")
        over = time.monotonic()
        come_back(service, drawn, timeline, outcome)
        outcome.back = time.monotonic() - over
        service.write_some()
    watch.check()
    service.check()
    settle_copies(service, drawn, timeline, outcome)
    watch.check()
    check_left(service, before, outcome)
    outcome.rows, outcome.looks = len(service.ledger.accepted()) - rows, watch.looks
    return outcome


def come_back(service, drawn, timeline, outcome):
    """Waits for all nodes to be ONLINE. Where one waits for a person, that person types what it says."""
    for _ in range(HELPED_AT_MOST):
        if all_back(service, timeout=BEFORE_HELP if drawn.for_a_person else BY_THEMSELVES):
            timeline.add("all are back")
            return
        # What works is waited for.
        wait_jobs(service)
        if all_back(service, timeout=BEFORE_HELP):
            timeline.add("all are back")
            return
        for name in service.names():
            help_node(service, drawn, name, timeline, outcome)
    raise AssertionError(f"not all are back, whatever was typed: {service.states_seen('db1')}")


def all_back(service, timeout):
    """Whether all are ONLINE in the eyes of each, with no job left, within that time."""
    want = dict.fromkeys(service.names(), "ONLINE")
    try:
        service.wait(lambda: all(service.states_seen(name) == want for name in service.names()) and not at_work(service), "", timeout, 0.5)
    except LabError:
        return False
    return True


def at_work(service):
    return [f"{name}: job {job['id']} ({job['kind']}) is {job['state']}" for name in service.names() for job in service.jobs(name) if job["state"] not in OVER]


def wait_jobs(service):
    try:
        service.wait(lambda: not at_work(service), "the jobs to end", PATIENT, 0.5)
    except LabError as error:
        raise AssertionError(f"{error}: {at_work(service)}") from None


def help_node(service, drawn, name, timeline, outcome):
    """Types what `explain` names, and what that names in turn where it is refused."""
    if command := agent_wants(service, name):
        timeline.add(f"{name}: {command}")
        outcome.typed.append(command)
        service.node(name).run(command, check=False, timeout=PATIENT)
        return
    explained = service.ask(name, "explain", name)
    state = explained.get("state")
    assert state, f"{name} says nothing of itself"
    if state == "ONLINE":
        return
    reason = explained.get("reason") or ""
    commands = [change["command"] for change in explained["changes"] if change.get("command")]
    timeline.add(f"{name} is {state}: {reason[:300]} {commands}")
    assert commands, f"{name} is {state}, and no command is named: {explained}"
    assert drawn.for_a_person or drawn.policy != "automatic", f"{name} waits for a person, though nothing was done that only one can mend: {state}, {reason}"
    command, typed = commands[0], set()
    while command and command not in typed and len(typed) < TYPED_AT_MOST:
        typed.add(command)
        timeline.add(f"{name}: {command}")
        outcome.typed.append(re.sub(r" db\d", " NODE", command))
        done = service.node(name).run(command, check=False, timeout=2 * PATIENT)
        if done.returncode == 0:
            return
        said = " ".join((done.stdout + done.stderr).split())
        timeline.add(f"    {said[:600]}")
        command = next((f"mainstayctl {words}" for words in TYPED.findall(said)
                        if words.split()[0] not in LOOKS and f"mainstayctl {words}" not in typed), None)


def agent_wants(service, name):
    """What the agent of a node said last that it needs, where it does not run; or else that it is started."""
    if service.ask(name, "status").get("name"):
        return None
    said = service.node(name).run(["journalctl", "--no-pager", "--quiet", "--boot", "-o", "cat", "--unit=mainstayd", "--lines=30"], check=False).stdout
    return next(iter(MOVED.findall(said)), "systemctl start mainstayd")


def settle_copies(service, drawn, timeline, outcome):
    """What was replaced is given up, or put back in its place; then all is as if it had always been there.
    What a job had begun of which nothing can be read any more, another one replaces: nobody goes on with it."""
    for node in service.lab.replicas():
        if node.path(NEW).exists() and node.name in drawn.forgetful:
            timeline.add(f"{node.name}: mainstayctl provision")
            service.ctl(node.name, "provision")
            into_service(node)
        if not node.path(OLD).exists():
            continue
        verb = "commit" if node.name in service.spoiled else drawn.keeps
        timeline.add(f"{node.name}: mainstayctl provision {verb}")
        service.ctl(node.name, "provision", verb)
        if verb == "rollback":
            into_service(node)
    assert all_back(service, PATIENT), f"not all are back after their copies were settled: {service.states_seen('db1')}"
    service.check()


def into_service(node):
    """Under the policy automatic it may be so already, which is told as nothing done."""
    node.run("mainstayctl online", check=False, timeout=PATIENT)


def check_left(service, before, outcome):
    """Nothing lies about, and every job that was begun has an outcome."""
    for name in service.names():
        try:
            service.wait(lambda: not leftovers(service, name), "", timeout=20, interval=1)
        except LabError:
            raise AssertionError(f"left on {name}: {leftovers(service, name)}") from None
        jobs = {job["id"]: job for job in service.jobs(name)}
        for job in (job for number, job in jobs.items() if number not in before[name]):
            assert job["state"] in OVER and all(step["state"] != "begun" for step in job.get("steps", [])), f"{name}: {job}"
            outcome.jobs[f"{job['kind']} {job['state']}"] += 1
        if name in service.begun and name not in outcome.drawn.forgetful:
            assert service.begun[name] in jobs, f"{name} knows nothing of its job {service.begun[name]}"


def leftovers(service, name):
    left = service.node(name).run(LEFT, check=False).stdout.split("\n")
    return [line.strip() for line in left if line.strip()] + [line for line in at_work(service) if line.startswith(f"{name}:")]


def merged(service, timeline, since):
    """What was done and what all nodes said, in the order of time."""
    lines = [(moment, f"   ***  {what}") for moment, what in timeline.lines]
    lines += [line for node in service.lab.nodes for line in voices(node, since)]
    return "\n".join(f"{stamp(moment)} {what}" for moment, what in sorted(lines, key=lambda line: line[0]))


class Tally:
    """Of all rounds: their Outcomes, and how many failed."""

    def __init__(self):
        self.outcomes, self.failed = [], 0

    def add(self, outcome):
        self.outcomes.append(outcome)

    def rounds(self):
        return len(self.outcomes) + self.failed

    @staticmethod
    def table(counters):
        return "".join(f"| {what} | {number} |\n" for what, number in sorted(sum(counters, Counter()).items(), key=lambda item: (-item[1], item[0])))

    def __str__(self):
        """As Markdown."""
        back = sorted(outcome.back for outcome in self.outcomes) or [0.0]
        return f"""\
| what | |
|---|---|
| rounds that held | {len(self.outcomes)} |
| rounds that failed | {self.failed} |
| acknowledged rows, none of them lost | {sum(outcome.rows for outcome in self.outcomes)} |
| looks at whether a replica could be written to | {sum(outcome.looks for outcome in self.outcomes)} |
| rounds in which a person had to type something | {sum(bool(outcome.typed) for outcome in self.outcomes)} |
| seconds from the last fault's end to all ONLINE: median, worst | {back[len(back) // 2]:.0f}, {back[-1]:.0f} |

| fault | times |
|---|---|
{self.table(outcome.drawn.kinds() for outcome in self.outcomes)}
| what a person typed, as it was told | times |
|---|---|
{self.table(Counter(outcome.typed) for outcome in self.outcomes)}
| jobs | times |
|---|---|
{self.table(outcome.jobs for outcome in self.outcomes)}"""

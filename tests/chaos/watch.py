"""What is seen of the servers while a round lasts: a thread a node, which looks every second."""

import re
import threading
import time
from collections import namedtuple

from cluster import LED
from lablib import LabError
from lablib.ledger import Ledger

EVERY = 1
# A server that is frozen answers nothing, and must not keep its thread.
LOOK_TIMEOUT = 2
# What is read back each time: a row that is lost later is missed at the end of the round.
NEWEST = 500
# A server that was frozen or cut off answers from what it has, until it sees that the others
# went on without it: Galera's read waits for what has arrived, and asks nobody. So a row is
# missed only where it is missed so many times in a row.
MISSED_TIMES = 3

# `members` are the addresses of a Primary component's, none where the server is in no such one.
Sight = namedtuple("Sight", "words members committed at")
NOTHING = Sight("no answer", frozenset(), 0, 0)

VOTED_OUT = re.compile(r"Vote 0 \(success\) on \S+ is inconsistent with group")
GIVES_UP = re.compile(r"An operator gives up (.*) for the next bootstrap")
NOT_ANY_MORE = "What an operator gave up is not given up any more"


class ChaosLedger(Ledger):
    """A ledger for nodes that an operator may give up, and with them what only they have."""

    def __init__(self, nodes):
        super().__init__(nodes)
        self._read = {node.name: set() for node in nodes}
        self.given_up = set()
        self.lost = 0

    def newest(self):
        """The numbers of the newest acknowledged rows."""
        with self._lock:
            return {write.number for write in self._accepted[-NEWEST:]}

    def read_back(self, node, numbers):
        self._read[node.name] |= numbers

    def check_rows(self, rows):
        """As ever; but what may be lost with those that were given up is struck out: rows
        that one of them acknowledged, that no other node was seen to have, and that are on
        no node now."""
        had = set().union(*rows.values(), *(read for name, read in self._read.items() if name not in self.given_up))
        with self._lock:
            left = [write for write in self._accepted if write.node not in self.given_up or write.number in had]
            self.lost += len(self._accepted) - len(left)
            self._accepted = left
        super().check_rows(rows)


class Watch:
    """Looks at all servers while it is entered; `wrong` is what must never be seen.

    Every acknowledged row is read back on each node in service. The read waits for all
    that the group has committed, so a row that was acknowledged before it began, by
    whomever, is there, or is lost, or was written in another component: two components
    that both accept writes are seen by that, whatever their servers say of them."""

    def __init__(self, cluster, timeline):
        self.wrong = []
        self._cluster = cluster
        self._timeline = timeline
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._sights = {}
        self._apart = {}
        self._missed = {}
        self._threads = []

    def __enter__(self):
        self._threads = [threading.Thread(target=self._watch, args=(node,), name=f"watch-{node.name}", daemon=True)
                         for node in self._cluster.nodes()]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(4 * LOOK_TIMEOUT + 5)

    def _watch(self, node):
        while not self._end.wait(EVERY):
            try:
                with node.client(timeout=LOOK_TIMEOUT) as client:
                    sight = look(client)
                    missing = self._read_back(node, client) if "Synced" in sight.words else set()
            except (LabError, OSError):
                sight, missing = NOTHING, set()
            with self._lock:
                self._note(node, sight, missing)

    def _read_back(self, node, client):
        """The acknowledged rows that are not there."""
        promised = self._cluster.ledger.newest()
        if not promised:
            return set()
        rows = client.query(f"SET SESSION wsrep_sync_wait = 1; SELECT n FROM lab.ledger WHERE n >= {min(promised)}", LOOK_TIMEOUT)
        there = {int(number) for number, in rows}
        self._cluster.ledger.read_back(node, there & promised)
        return promised - there

    def _note(self, node, sight, missing):
        if sight.words != self._sights.get(node.name, NOTHING).words:
            self._timeline.add(f"{node.name} is seen: {sight.words}")
        self._sights[node.name] = sight
        times = self._missed.get(node.name, {})
        self._missed[node.name] = times = {number: times.get(number, 0) + 1 for number in missing}
        if found := {number for number, n in times.items() if n == MISSED_TIMES}:
            for writer in {write.node for write in self._cluster.ledger.accepted() if write.number in found}:
                self._found(f"{node.name} has not all rows that were acknowledged by {writer} before it was asked: {sorted(found)[:10]}", {node.name, writer})
        for other in self._cluster.nodes():
            if other is not node:
                self._compare(node, other)

    def _compare(self, node, other):
        """Two that are Primary without each other, and both go on committing."""
        pair = tuple(sorted([node.name, other.name]))
        sights = [self._sights.get(name, NOTHING) for name in pair]
        if not all(sight.members for sight in sights) or node.address in self._sights[other.name].members \
                or other.address in self._sights[node.name].members:
            self._apart.pop(pair, None)
            return
        before = self._apart.setdefault(pair, sights)
        if all(now.committed > then.committed and now.members == then.members for now, then in zip(sights, before)):
            self._found(f"two Primary components at once: {pair[0]}: {sights[0].words}; {pair[1]}: {sights[1].words}", set(pair))
            self._apart[pair] = sights

    def _found(self, what, names):
        self._timeline.add(f"WRONG: {what}")
        self.wrong.append((what, names))

    def check(self, given_up):
        """Nothing was wrong, but between those that an operator gave up and the others."""
        for what, names in self.wrong:
            assert names & given_up and names - given_up, what


def look(client):
    """What a server says of itself."""
    rows = client.query("SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_status', 'wsrep_local_state_comment', "
                        "'wsrep_incoming_addresses', 'wsrep_last_committed', 'wsrep_ready')", LOOK_TIMEOUT)
    status = {name.removeprefix("wsrep_"): value for name, value in rows}
    primary = status.get("cluster_status") == "Primary" and status.get("ready") == "ON"
    members = {address.rpartition(":")[0] for address in status.get("incoming_addresses", "").split(",")} if primary else set()
    words = " ".join([status.get("cluster_status", "?"), status.get("local_state_comment", "?"), *sorted(members)])
    return Sight(words, frozenset(members), int(status.get("last_committed", 0)), time.monotonic())


def given_up(cluster):
    """Whom an operator gave up in a bootstrap that came about since the round began: the
    names, from the journals of those who led."""
    names = set()
    for node in cluster.nodes():
        pending = set()
        for line in cluster.said(node.name).splitlines():
            if found := GIVES_UP.search(line):
                pending = {word for word in re.split(r"[ ,]+|\band\b", found.group(1)) if word}
            elif NOT_ANY_MORE in line:
                pending = set()
            elif LED in line:
                names |= pending
                pending = set()
    return names


def voted_out(cluster):
    """Whom Galera sent away since the round began though it had carried out a change that
    the others could not, most of them having a full disk, say: the vote is on what most
    came to, and what was acknowledged there is on its disk alone. Mainstay marks such a
    node, and sets its data aside only when a person asks for it."""
    return {node.name for node in cluster.nodes() if VOTED_OUT.search(cluster.said(node.name, "mariadb"))}

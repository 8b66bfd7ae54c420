"""A client that never stops writing, and remembers what was promised to it.

One thread a node inserts numbers that are used once. What the server
acknowledged must be on every node in the end; what ended in an error or in
silence may be there or not, but everywhere alike.
"""

import threading
import time
from collections import namedtuple

from .host import LabError
from .wait import wait_until

SCHEMA = """\
CREATE DATABASE IF NOT EXISTS lab;
CREATE TABLE IF NOT EXISTS lab.ledger (
    n bigint PRIMARY KEY,
    node varchar(64) NOT NULL
) ENGINE=InnoDB"""

# How often a node that does not accept writes is asked again.
PROBE = 0.05
# A write without an answer says nothing, and keeps its thread from asking again.
WRITE_TIMEOUT = 2

Write = namedtuple("Write", "number node sent_at accepted_at")
Write.__doc__ = "An acknowledged row; times are time.monotonic() of the host."


def ledger_create(node):
    """Creates the table, by a node of a Primary component."""
    node.rows(SCHEMA, timeout=20)


class Ledger:
    """Writes through `nodes`, each `pace` seconds after its last accepted write.

        with lab.ledger() as ledger: ...
        ledger.check(lab.nodes)
    """

    def __init__(self, nodes, pace=0.05, write_timeout=WRITE_TIMEOUT, user="root"):
        self._nodes = list(nodes)
        self._pace = pace
        self._write_timeout = write_timeout
        self._user = user
        self._lock = threading.Lock()
        self._next = 1
        self._accepted = []
        self._failures = {}
        self._end = threading.Event()
        self._threads = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begins, or goes on after stop()."""
        if not self._threads:
            self._end.clear()
            self._threads = [threading.Thread(target=self._write_through, args=(node,),
                                              name=f"ledger-{node.name}", daemon=True)
                             for node in self._nodes]
            for thread in self._threads:
                thread.start()
        return self

    def stop(self):
        """Ends when the writes that are under way have; twice does no harm."""
        self._end.set()
        for thread in self._threads:
            thread.join(2 * self._write_timeout + 5)
            if thread.is_alive():
                raise LabError(f"{thread.name} does not end")
        self._threads = []

    # What was accepted.

    def accepted(self):
        """All acknowledged writes so far, in the order of acknowledgement."""
        with self._lock:
            return list(self._accepted)

    def first_accepted_write_after(self, moment, node=None):
        """The first Write acknowledged after `moment` (time.monotonic()), or None.

        With `node`, a name: the first one through this node.
        """
        for write in self.accepted():
            if write.accepted_at > moment and node in (None, write.node):
                return write
        return None

    def wait_accepted(self, moment, timeout, node=None, lab=None):
        """Waits for first_accepted_write_after(), and returns it."""
        where = f" through {node}" if node else ""
        return wait_until(lambda: self.first_accepted_write_after(moment, node), timeout,
                          f"a write to be accepted{where} ({self.failures()})", lab=lab,
                          interval=0.01)

    def failures(self):
        """What each node last said to a write that it did not accept."""
        with self._lock:
            return "; ".join(f"{node}: {text}" for node, text in sorted(self._failures.items()))

    def largest_gap(self, since=0):
        """The longest time, in seconds, in which no node accepted a write."""
        times = [write.accepted_at for write in self.accepted() if write.accepted_at >= since]
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)

    # What must hold.

    def check(self, nodes, timeout=30):
        """Stops writing, and raises AssertionError unless `nodes` are one Primary
        component of exactly their number, with one state, and every acknowledged
        row on all of them."""
        self.stop()
        nodes = list(nodes)
        wait_until(lambda: all(node.is_synced(len(nodes)) for node in nodes), timeout,
                   f"one Synced component of {', '.join(node.name for node in nodes)}")
        uuids = {node.name: node.wsrep_status()["cluster_state_uuid"] for node in nodes}
        assert len(set(uuids.values())) == 1, f"nodes of different clusters: {uuids}"
        # They are read once a node has applied all that the group has committed.
        self.check_rows({node.name: ledger_rows(node, timeout, "SET SESSION wsrep_sync_wait = 1; ")
                         for node in nodes})

    def check_rows(self, rows):
        """Raises AssertionError unless these, {name of a node: its numbers}, are the
        same everywhere and every acknowledged one is among them."""
        promised = {write.number for write in self.accepted()}
        for name, there in rows.items():
            lost = sorted(promised - there)
            assert not lost, f"{name} lost {len(lost)} acknowledged rows: {lost[:20]}"
        everywhere = set.intersection(*rows.values())
        for name, there in rows.items():
            extra = sorted(there - everywhere)
            assert not extra, f"{name} alone has {len(extra)} rows: {extra[:20]}"

    # The writers.

    def _write_through(self, node):
        """The thread of one node: writes while it can, and asks while it cannot."""
        client = None
        while not self._end.is_set():
            try:
                client = client or node.client(timeout=self._write_timeout, user=self._user)
                self._write(client, node)
                self._end.wait(self._pace)
            except (LabError, OSError) as error:
                with self._lock:
                    self._failures[node.name] = str(error)
                if client:
                    client.close()
                client = None
                self._end.wait(PROBE)
        if client:
            client.close()

    def _write(self, client, node):
        with self._lock:
            number, self._next = self._next, self._next + 1
        sent_at = time.monotonic()
        client.query(f"INSERT INTO lab.ledger VALUES ({number}, '{node.name}')",
                     timeout=self._write_timeout)
        with self._lock:
            self._accepted.append(Write(number, node.name, sent_at, time.monotonic()))


def ledger_rows(node, timeout, before=""):
    """The numbers on a node, read after the statements `before`."""
    return {int(number) for number, in node.rows(before + "SELECT n FROM lab.ledger", timeout)}

"""A lab: its nodes, from the first mount to the last."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from .cgroup import cgroup_paths, cgroup_remove
from .disk import PLACE, RUN, disk_check, disk_make, disk_remove, disk_run
from .host import LabError, host_raise_limits, host_require, host_run
from .image import DEFAULT, image_build
from .ledger import Ledger, ledger_create
from .network import (network_address, network_bridge_make, network_link_set, network_part,
                      network_remove, network_subnet_free)
from .node import Node
from .profile import Profile, profile_install
from .wait import wait_until

# systemd-nspawn names a veth after the machine, and 15 characters is all it has.
NAME = re.compile(r"[a-z][a-z0-9]{0,6}")
NODES_MAX = 9
STATUS = ("cluster_status", "local_state_comment", "cluster_size", "last_committed")

NSPAWN_LEFTOVERS = [Path("/run/systemd/nspawn", part) for part in ("propagate", "unix-export")]


class Lab:
    """N nodes, db1 to dbN, that see each other and nobody else.

        with Lab(3, deb=deb) as lab: ...

    image    a name of image.IMAGES
    name     several labs live side by side under different names
    deb      a Debian package, installed in every node
    datadir  a directory that every node's datadir begins as a copy of, instead
             of the one that the package makes (see seed.py)
    disk     in bytes: what a node writes lies in a file system of that size
    prepare  called with (root, node name) for every node before its first boot
    options  of Profile: by_address, sst, provider_options, mysqld_on
    """

    def __init__(self, count, name="test", image=DEFAULT, deb=None, datadir=None, disk=None,
                 prepare=None, boot=True, **options):
        if not NAME.fullmatch(name):
            raise LabError(f"{name!r}: a lab's name is 1 to 7 of a-z and 0-9, a letter first")
        if not 1 <= count <= NODES_MAX:
            raise LabError(f"{count} nodes: a lab has 1 to {NODES_MAX}")
        self.name = name
        self.count = count
        self.image = image
        self.nodes = []
        self.deb = deb
        self._datadir = datadir
        self._disk = disk
        self._prepare = prepare
        self._boot = boot
        self._options = options
        self._ledgers = []

    # From nothing to nothing.

    @classmethod
    def open(cls, name):
        """The lab of that name, which another process has brought up."""
        try:
            state = json.loads(_state_file(name).read_text())
        except (OSError, ValueError):
            raise LabError(f"no lab {name!r} is up: tests/lab up N --name {name}") from None
        kind = next((kind for kind in Lab.__subclasses__() if kind.__name__ == state["kind"]), Lab)
        lab = kind(state["count"], name, state["image"])
        lab._set_nodes(state["subnet"])
        return lab

    def up(self, owner=None):
        """Makes the nodes and boots them. What fails, or is interrupted, is removed.

        `owner` is a process with which the lab should end: what is left when
        it has died is replaced, where a lab without owner is left alone.
        """
        host_require(*(["mkfs.ext4"] if self._disk else []), "ip", "mount", "umount", "nsenter", "setsid", "ssh-keygen", "systemctl",
                     "systemd-nspawn", "tar", "chroot")
        image = image_build(self.image)
        with _signals_raise():
            subnet = self._claim(owner)
            try:
                self._make(image, subnet)
                if self._boot:
                    self._begin()
            except BaseException:
                with _signals_wait():
                    lab_remove(self.name)
                raise
        return self

    def _claim(self, owner):
        """Writes the state file, first of all: whatever else is left can be found by it."""
        RUN.mkdir(parents=True, exist_ok=True)
        with _lock(RUN / ".lock"):
            file = _state_file(self.name)
            if file.exists():
                if _has_owner(file):
                    raise LabError(f"lab {self.name!r} is up already: "
                                   f"tests/lab down --name {self.name}")
                lab_remove(self.name)
            states = [json.loads(path.read_text()) for path in RUN.glob("*/lab.json")]
            subnet = network_subnet_free(state["subnet"] for state in states)
            file.parent.mkdir(exist_ok=True)
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps({"kind": type(self).__name__, "count": self.count,
                                           "image": self.image, "subnet": subnet,
                                           "owner": owner}))
            partial.rename(file)
        return subnet

    def _make(self, image, subnet):
        disk_check()
        host_raise_limits()
        self._set_nodes(subnet)
        network_bridge_make(self.name, subnet)
        profile = self._profile({node.name: node.address for node in self.nodes})
        roots = {}
        for node in self.nodes:
            roots[node.name] = root = disk_make(self.name, node.name, image,
                                                  self._datadir, self._disk)
            profile.write(root, node.name)
            if self.deb:
                profile_install(root, self.deb)
        profile.trust(roots)
        if self._prepare:
            for name, root in roots.items():
                self._prepare(root, name)

    def _profile(self, addresses):
        return Profile(addresses, **self._options)

    def _begin(self):
        """What is done with the nodes before anybody gets the lab."""
        self.boot(*self.names())

    def _set_nodes(self, subnet):
        self.nodes = [Node(self.name, f"db{number}", network_address(subnet, number))
                      for number in range(1, self.count + 1)]

    def down(self):
        """Removes all of it. Twice does no harm."""
        for ledger in self._ledgers:
            ledger.stop()
        with _signals_wait():
            lab_remove(self.name)

    def __enter__(self):
        self._signals = contextlib.ExitStack()
        self._signals.enter_context(_signals_raise())
        try:
            return self.up(owner=_process_id())
        except BaseException:
            self._signals.close()
            raise

    def __exit__(self, *_):
        try:
            self.down()
        finally:
            self._signals.close()

    # Nodes, by name.

    def names(self):
        return [node.name for node in self.nodes]

    def node(self, name):
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"no node {name!r}: there are {', '.join(self.names())}")

    def words_of(self, node):
        """What its server says of itself, in a line for people."""
        status = node.wsrep_status(timeout=2)
        return " ".join(status.get(name, "?") for name in STATUS)

    def _chosen(self, names):
        """The nodes of these names; all of them when none is named."""
        return [self.node(name) for name in names] or list(self.nodes)

    def cut(self, *names):
        """A power cut of all these nodes (default: all) at the same instant.

        Their links go down first, or their kernel, which lives on, would send
        the others a farewell. What they have written stays in the page cache:
        this is the death of every process, not the loss of unwritten pages.
        """
        nodes = self._chosen(names)
        for node in nodes:
            node.init()     # found beforehand, for that takes milliseconds
        network_link_set(self.name, [node.name for node in nodes], False)
        for node in nodes:
            node.kill()
        for node in nodes:
            node.wait_off(15)

    def boot(self, *names, wait=True, timeout=90):
        """Boots these nodes in parallel, and waits until their network answers.

        Returns time.monotonic() of the last one's first answer, the zero of
        every measurement (None without `wait`).
        """
        nodes = self._chosen(names)
        for node in nodes:
            node.start()
        if not wait:
            return None
        deadline = time.monotonic() + timeout
        waiting = list(nodes)
        while waiting:
            waiting = [node for node in waiting if not node.answers()]
            if waiting and time.monotonic() > deadline:
                raise LabError(f"no answer after {timeout} s from "
                               f"{', '.join(node.name for node in waiting)}")
            time.sleep(0.02)
        return max(node.network_at for node in nodes)

    def stop(self, *names, timeout=120):
        """Powers these nodes off in an orderly way, all at the same time."""
        nodes = self._chosen(names)
        for node in nodes:
            node.power_off()
        for node in nodes:
            node.wait_off(timeout)

    def link(self, up, *names):
        """Takes the links of these nodes up or down together."""
        network_link_set(self.name, [node.name for node in self._chosen(names)], up)

    def part(self, *names):
        """Cuts the network in two: these nodes on one side, the others on the other.

        A node that is booted meanwhile finds itself with the others.
        """
        network_part(self.name, [node.name for node in self._chosen(names)])

    def unite(self):
        """Makes the network one again."""
        network_part(self.name, [])

    # The cluster.

    def form_cluster_stock(self, enable=True):
        """Forms the cluster with what MariaDB brings, without Mainstay.

        For the lab's own test, and for comparison. With `enable` the server
        starts at every later boot.
        """
        first, *others = self.nodes
        first.run(["galera_new_cluster"], timeout=60)
        self.create_ledger(first)
        for node in others:     # one by one: two at once get in each other's way
            self._start_servers([node])
            self.wait_until(node.is_synced, 120, f"{node.name} to be Synced")
        self._finish_forming(enable)

    def _start_servers(self, nodes):
        for node in nodes:
            node.run(["systemctl", "start", "--no-block", "mariadb"])

    def _finish_forming(self, enable):
        self.wait_synced()
        if enable:
            for node in self.nodes:     # for the next boot: this one need not reload
                host_run("systemctl", f"--root={node.root}", "enable", "mariadb.service")

    def create_ledger(self, node=None):
        """Creates the database that Ledger writes to, by any node of the cluster."""
        ledger_create(node or self.nodes[0])

    def ledger(self, nodes=None, pace=0.05):
        """A ledger written through these nodes (default: all); starts with `with`."""
        ledger = Ledger(nodes or self.nodes, pace)
        self._ledgers.append(ledger)
        return ledger

    def wait_synced(self, *names, timeout=60):
        """Waits until all these nodes (default: all), and no others, are one Synced component."""
        nodes = self._chosen(names)
        what = f"{', '.join(node.name for node in nodes)} to be Synced together"
        self.wait_until(lambda: all(node.is_synced(len(nodes)) for node in nodes), timeout, what)

    def wait_until(self, predicate, timeout, what, **options):
        """wait_until() that tells what the nodes say on a time-out."""
        return wait_until(predicate, timeout, what, lab=self, **options)

    def diagnosis(self):
        return "\n".join(node.diagnosis() for node in self.nodes)


def lab_names():
    """The labs of which anything is there, were it half a lab."""
    places = [RUN, PLACE, *cgroup_paths("")]
    return sorted({path.name for place in places if place.is_dir()
                   for path in place.iterdir() if path.is_dir() and NAME.fullmatch(path.name)})


def lab_remove(name):
    """Removes whatever there is of a lab, found by its name alone."""
    cgroup_remove(name)
    network_remove(name)
    for directory in NSPAWN_LEFTOVERS:
        for path in directory.glob(f"{name}-db*"):
            shutil.rmtree(path, ignore_errors=True)
    disk_remove(name)


def _state_file(name):
    return disk_run(name) / "lab.json"


@contextlib.contextmanager
def _lock(path, timeout=60):
    """Holds a lock file: a second lab must not take the same subnet."""
    with open(path, "w") as lock:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(f"{path} is locked by another process") from None
                time.sleep(0.05)
        yield


def _process_id():
    """This process, told from a later one with the same number."""
    return [os.getpid(), _start_time(os.getpid())]


def _start_time(pid):
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _has_owner(file):
    """Whether somebody may still need this lab."""
    try:
        owner = json.loads(file.read_text())["owner"]
    except (ValueError, KeyError):
        return True
    return owner is None or _start_time(owner[0]) == owner[1]


@contextlib.contextmanager
def _signals_raise():
    """SIGTERM and SIGHUP end a `with` like ^C does, where they would skip its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    def leave(number, _frame):
        sys.exit(128 + number)
    old = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in old.items():
        if handler == signal.SIG_DFL:
            signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _signals_wait():
    """Puts signals off until the removal is through: it is bounded in time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    old = {number: signal.signal(number, lambda n, _frame: came.append(n)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)

"""The cgroup of a node.

Each node has one of its own, in the unified hierarchy and, on a host with
cgroup v1, in systemd's named one: systemds that share a cgroup fight over it.
It also finds, freezes and kills all that belongs to a node.
"""

import os
import signal
import time
from pathlib import Path

from .host import LabError

TOP = "mainstay-lab"


def _hierarchies():
    """Mount points: the unified hierarchy first, then systemd's, if any."""
    unified, named = [], []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2":
            unified.append(Path(where))
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            named.append(Path(where))
    if not unified:
        raise LabError("no cgroup2 hierarchy is mounted: the nodes' systemd needs one")
    return unified[:1] + named[:1]


def cgroup_paths(lab, node=""):
    """The directories of a node's cgroup, or of the whole lab's: unified first."""
    return [root / TOP / lab / node for root in _hierarchies()]


def cgroup_make(lab, node):
    for path in cgroup_paths(lab, node):
        path.mkdir(parents=True, exist_ok=True)


def cgroup_pids(lab, node=""):
    """Every process of the node: in either hierarchy, at any depth."""
    pids = set()
    for path in cgroup_paths(lab, node):
        for directory, _, _ in os.walk(path):
            try:
                text = Path(directory, "cgroup.procs").read_text()
            except OSError:
                continue    # it went away meanwhile
            pids.update(int(pid) for pid in text.split())
    pids.discard(0)
    return pids


def cgroup_init(lab, node):
    """The node's process 1, by its number on the host, or None.

    It is the one that is number 1 of a pid namespace just below ours.
    """
    for pid in cgroup_pids(lab, node):
        try:
            status = Path("/proc", str(pid), "status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith("NSpid:") and line.split()[2:] == ["1"]:
                return pid
    return None


def cgroup_freeze(lab, node, frozen, timeout=10):
    """Stops, or resumes, everything in the node at once."""
    path = cgroup_paths(lab, node)[0]
    control = path / "cgroup.freeze"
    if not control.exists():
        raise LabError(f"{node}: not running, or this kernel has no cgroup.freeze")
    control.write_text("1" if frozen else "0")
    deadline = time.monotonic() + timeout
    while cgroup_frozen(lab, node) != frozen:
        if time.monotonic() > deadline:
            raise LabError(f"{node}: cgroup.freeze had no effect in {timeout} s")
        time.sleep(0.01)


def cgroup_frozen(lab, node):
    try:
        return "frozen 1" in (cgroup_paths(lab, node)[0] / "cgroup.events").read_text()
    except OSError:
        return False


def cgroup_remove(lab, node="", timeout=20):
    """Kills what is left in the cgroup and removes it."""
    deadline = time.monotonic() + timeout
    while pids := cgroup_pids(lab, node):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise LabError(f"processes that do not die: {sorted(pids)}")
        time.sleep(0.02)
    for path in cgroup_paths(lab, node):
        _remove_tree(path, deadline)


def _remove_tree(path, deadline):
    """A cgroup goes deepest first, and is busy for an instant after its last process."""
    for directory, _, _ in os.walk(path, topdown=False):
        while True:
            try:
                os.rmdir(directory)
                break
            except FileNotFoundError:
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"{directory}: {error.strerror}") from None
                time.sleep(0.02)

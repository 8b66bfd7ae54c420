"""The tree that the nodes install: this checkout, built and laid out by
`make install DESTDIR=`; a no-op where it is newer than all of the sources."""

import fcntl
import os
import subprocess
from pathlib import Path

from lablib import LabError
from lablib.image import image_build, image_flavour

TOP = Path(__file__).resolve().parents[2]
SOURCES = ["agent", "units", "conf", "Makefile.am", "configure.ac"]


# In an image, which is not written to, this checkout is here.
INSIDE = Path("/mnt")


def tree_for(image):
    """The tree for nodes of an image: built in it where it has a client library of its own."""
    if image_flavour(image).builds:
        return tree_build(image, image_build(image))
    return tree_build("lab")


def tree_build(name, root=None):
    """Builds into _build/NAME, by the tools of the system in `root` (this one's by
    default); returns the directory that was installed to."""
    build = TOP / "_build" / name
    tree, stamp = build / "tree", build / "tree.stamp"
    if stamp.exists() and stamp.stat().st_mtime > _newest():
        return tree

    build.mkdir(parents=True, exist_ok=True)
    with open(build / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.stat().st_mtime > _newest()):
            _build(build, tree, stamp, root)
    return tree


def tree_run(root, command, where):
    """The command that runs one, of words, in the system of `root` and in a directory of this checkout."""
    if root is None:
        return list(map(str, command))
    return ["systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--read-only", "--tmpfs=/tmp", f"--directory={root}", f"--bind={TOP}:{INSIDE}", "--console=pipe",
            f"--chdir={INSIDE / where.relative_to(TOP)}",
            *(str(word).replace(str(TOP), str(INSIDE)) for word in command)]


def _build(build, tree, stamp, root):
    fresh = build / "tree.stamp.new"
    fresh.touch()    # what is changed while it is built makes it old again
    with open(build / "build.log", "w") as log:
        if _is_older(TOP / "configure", TOP / "configure.ac", TOP / "Makefile.am"):
            _run(["autoreconf", "-i"], TOP, log)
        if _is_older(build / "Makefile", TOP / "configure"):
            _run(tree_run(root, [TOP / "configure", "-q", "--prefix=/usr"], build), build, log)
        _run(tree_run(root, ["make", f"-j{os.cpu_count()}"], build), build, log)
        _run(tree_run(root, ["make", "install", f"DESTDIR={tree}"], build), build, log)
    fresh.rename(stamp)


def _newest():
    newest = 0.0
    for name in SOURCES:
        for path in [TOP / name, *(TOP / name).rglob("*")]:
            newest = max(newest, path.stat().st_mtime)
    return newest


def _is_older(product, *sources):
    return not product.exists() or any(
        source.stat().st_mtime > product.stat().st_mtime for source in sources)


def _run(command, where, log):
    log.flush()
    if subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                      timeout=900).returncode != 0:
        lines = Path(log.name).read_text().splitlines()[-30:]
        raise LabError(f"{' '.join(map(str, command))} failed; the end of {log.name}:\n"
                       + "\n".join(lines))

"""The package that the nodes install: built of this checkout, as one is built of a
release, and kept until a source changes."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

from lablib import LabError
from lablib.host import host_require
from lablib.image import image_build, image_flavour

TOP = Path(__file__).resolve().parents[2]
# What a package is made from: tests are in the tarball, and not in the package.
SOURCES = ["agent", "units", "conf", "packaging/debian", "packaging/build-deb", "Makefile.am", "configure.ac"]

# In an image, which is not written to, this checkout is here.
INSIDE = Path("/mnt")

# `make check` runs the unit tests, and nobody debugs this package.
OPTIONS = "nocheck noautodbgsym"


def deb_for(image):
    """The package for nodes of an image: built in it where it has a client library of its own."""
    if image_flavour(image).builds:
        return deb_build(image, image_build(image))
    return deb_build("host")


def deb_build(name, root=None):
    """Builds into _build/deb/NAME, by the tools of the system in `root` (this one's by
    default); returns the package's path."""
    build = TOP / "_build/deb" / name
    build.mkdir(parents=True, exist_ok=True)
    # Labs side by side need the same package, and `make dist` one place.
    with open(build.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, digest = build / "sources", _digest(root)
        if not stamp.exists() or stamp.read_text() != digest:
            for old in [*build.glob("*.deb"), stamp]:
                old.unlink(missing_ok=True)
            _build(build, root)
            stamp.write_text(digest)
    return next(build.glob("*.deb"))


def program_build(name):
    """A program of this checkout that is in no package; returns its path."""
    build = TOP / "_build/deb"
    with open(build / "build.log", "a") as log:
        _run(["make", name], build, log)
    return build / name


def _build(build, root):
    host_require("autoreconf", *(() if root else ("dh", "dpkg-buildpackage")))
    with open(build / "build.log", "w") as log:
        tarball = _dist(build.parent, log)
        _run(_inside(root, ["env", f"DEB_BUILD_OPTIONS={OPTIONS} parallel={os.cpu_count()}",
                            TOP / "packaging/build-deb", tarball, build]), TOP, log)


def _dist(build, log):
    if _is_older(TOP / "configure", TOP / "configure.ac", TOP / "Makefile.am"):
        _run(["autoreconf", "-i"], TOP, log)
    if _is_older(build / "Makefile", TOP / "configure"):
        _run([TOP / "configure", "-q", "--prefix=/usr"], build, log)
    _run(["make", "dist"], build, log)
    return max(build.glob("mainstay-*.tar.xz"), key=lambda path: path.stat().st_mtime)


def _inside(root, command):
    """The command that runs one, of words, in the system of `root`."""
    if root is None:
        return list(map(str, command))
    return ["systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--read-only", "--tmpfs=/tmp",
            f"--directory={root}", f"--bind={TOP}:{INSIDE}", "--console=pipe",
            *(str(word).replace(str(TOP), str(INSIDE)) for word in command)]


def _digest(root):
    digest = hashlib.sha256(str(root).encode())
    for name in SOURCES:
        for path in sorted([TOP / name, *(TOP / name).rglob("*")]):
            if path.is_file():
                digest.update(f"{path.relative_to(TOP)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


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

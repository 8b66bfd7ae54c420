"""The disk of a node: an overlay over the image, kept from boot to boot."""

import os
import shutil
import tempfile
from pathlib import Path

from .host import LabError, host_run

PLACE = Path("/var/tmp/mainstay-lab")
RUN = Path("/run/mainstay-lab")

DATADIR = "var/lib/mysql"


def disk_run(lab, node=""):
    """Where a lab's, or a node's, running state lies."""
    return RUN / lab / node


def disk_root(lab, node):
    """Where a node's root is mounted, whether it runs or not."""
    return disk_run(lab, node) / "root"


def _upper(lab, node):
    return PLACE / lab / node / "upper"


def disk_check():
    """Raises LabError unless an overlay can have its upper directory here.

    It cannot on another overlay or on NFS, and mount then says no more than
    "wrong fs type": better to tell what to do about it.
    """
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE, prefix=".check.") as name:
        for part in ("lower", "upper", "work", "root"):
            os.mkdir(f"{name}/{part}")
        try:
            _mount(f"{name}/lower", f"{name}/upper", f"{name}/work", f"{name}/root")
        except LabError as error:
            raise LabError(f"{PLACE}: this file system cannot hold an overlay's upper "
                           f"directory; mount another one, a tmpfs will do\n{error}") from None
        host_run("umount", f"{name}/root")


def _mount(lower, upper, work, root):
    host_run("mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir={lower},upperdir={upper},workdir={work}", root)


def disk_make(lab, node, image, datadir=None, size=None):
    """Makes and mounts the root of a new node: with `size`, in bytes, what it writes
    lies in a file system of its own, which others do not fill, and it can.

    Its datadir is a copy of `datadir`, by default of the image's. A copy, and
    opaque to the overlay: a server, and whoever watches its files, must not see
    them change their inode at the first write, nor renames fail.
    """
    upper, root = _upper(lab, node), disk_root(lab, node)
    work = upper.with_name("work")
    if size:
        _mount_own(upper.parent, size)
    for path in (upper, work, root):
        path.mkdir(parents=True)
    _mkdir_like(image, upper, "var", "var/lib")
    copy = upper / DATADIR
    host_run("cp", "-a", "--reflink=auto", datadir or image / DATADIR, copy, timeout=120)
    os.setxattr(copy, "trusted.overlay.opaque", b"y")
    _mount(image, upper, work, root)
    return root


def _mount_own(place, size):
    """A sparse file takes no more room than what is written to it. Nothing is kept back
    for root, so that full is full."""
    file = place.with_suffix(".ext4")
    place.mkdir(parents=True)
    with open(file, "wb") as new:
        new.truncate(size)
    host_run("mkfs.ext4", "-q", "-m", "0", file)
    host_run("mount", "-o", "loop", file, place)


def _mkdir_like(image, upper, *names):
    """A directory of the upper layer decides the owner and mode that are seen."""
    for name in names:
        (upper / name).mkdir(exist_ok=True)
        status = (image / name).stat()
        os.chown(upper / name, status.st_uid, status.st_gid)
        os.chmod(upper / name, status.st_mode & 0o7777)


def disk_remove(lab):
    """Unmounts and removes all the disks of a lab, and its running state."""
    tops = f"{disk_run(lab)}/", f"{PLACE / lab}/"
    # Read anew each time: what is mounted below must go first.
    for _ in range(3):
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        mine = [mount for mount in mounts if mount.startswith(tops)]
        if not mine:
            break
        for mount in sorted(mine, reverse=True):
            # Lazily: the processes of the node are gone, a person's shell may not be.
            host_run("umount", "--lazy", mount, check=False)
    else:
        raise LabError(f"mounts that do not go away below {' and '.join(tops)}")
    shutil.rmtree(PLACE / lab, ignore_errors=True)
    shutil.rmtree(disk_run(lab), ignore_errors=True)

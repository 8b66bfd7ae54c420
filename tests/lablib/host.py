"""This machine: its tools, its privileges, its limits."""

import os
import shutil
import subprocess
from pathlib import Path

# A tool that is missing is named by the package that brings it.
PACKAGES = {
    "ab": "apache2-utils",
    "autoreconf": "autoconf",
    "chroot": "coreutils",
    "curl": "curl",
    "dh": "debhelper",
    "dpkg-buildpackage": "dpkg-dev",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nsenter": "util-linux",
    "promtool": "prometheus",
    "setsid": "util-linux",
    "ssh-keygen": "openssh-client",
    "systemctl": "systemd",
    "systemd-nspawn": "systemd-container",
    "tar": "tar",
    "taskset": "util-linux",
    "umount": "mount",
}

# Every node's systemd, D-Bus and journal take some; the kernel's default of
# 128 for all of root's processes is used up by the fourth node.
INOTIFY_INSTANCES = 1024


class LabError(Exception):
    """What a person can act on: printed without a traceback."""


def host_require(*tools):
    """Raises LabError unless this is root and all of the tools are there."""
    if os.geteuid() != 0:
        raise LabError("the lab mounts, makes bridges and boots systems: run it as root")
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        names = sorted({PACKAGES[tool] for tool in missing})
        raise LabError(f"not found: {', '.join(missing)}\n"
                       f"  apt-get install --no-install-recommends {' '.join(names)}")


def host_run(*args, timeout=30, check=True, input=None):
    """Runs a tool of the host and returns what it printed.

    A tool that fails raises LabError with its own words, not a traceback.
    """
    command = [str(arg) for arg in args]
    try:
        done = subprocess.run(command, capture_output=True, text=True, input=input,
                              stdin=subprocess.DEVNULL if input is None else None,
                              timeout=timeout)
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)}: no end after {timeout} s") from None
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: exit status {done.returncode}\n"
                       f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


def host_raise_limits():
    """Raises the limits of this machine that several nodes would run into."""
    path = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(path.read_text()) < INOTIFY_INSTANCES:
        path.write_text(str(INOTIFY_INSTANCES))

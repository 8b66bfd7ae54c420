"""Images: root directories that the nodes of a lab share read-only.

An image is a plain directory, named by a hash of everything that shapes it, so
that a changed recipe is a new image and an old one never passes for it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from .host import LabError, host_require, host_run

IMAGES = {
    "mariadb-10.11": "bookworm",
    "mariadb-11.8": "trixie",
}
DEFAULT = "mariadb-10.11"

PACKAGES = [
    # The system.
    "systemd", "systemd-sysv", "dbus", "polkitd", "openssh-server", "iproute2",
    "procps", "socat", "nftables", "sudo",
    # The database.
    "mariadb-server", "mariadb-backup", "galera-4", "galera-arbitrator-4", "rsync",
    # What Mainstay is linked with.
    "libmariadb3", "libinih1", "libjansson4", "libsystemd0",
]

# What a node of a lab does not need, and every boot would pay for.
MASKED = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "apt-daily.service",
    "apt-daily-upgrade.service", "console-getty.service", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "getty.target",
    "getty-static.service", "ldconfig.service", "logrotate.timer", "man-db.timer",
    "modprobe@.service", "systemd-firstboot.service", "systemd-hwdb-update.service",
    "systemd-networkd-wait-online.service", "systemd-networkd.service",
    "systemd-networkd.socket", "systemd-pcrphase.service", "systemd-random-seed.service",
    "systemd-resolved.service", "systemd-timesyncd.service",
    "systemd-update-utmp-runlevel.service", "systemd-update-utmp.service",
]
# The arbitrator's package starts it, but only a test that wants one configures it.
DISABLED = ["garb.service", "nftables.service"]

# systemd-networkd would bring the address a second later; a node's network is
# there before anything that asks for it.
NETWORK_UNIT = """\
[Unit]
Description=The address of this node in its lab
DefaultDependencies=no
Before=network-pre.target network.target network-online.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/etc/lab/network
ExecStart=ip address replace ${ADDRESS}/24 dev host0
ExecStart=ip link set host0 up

[Install]
WantedBy=sysinit.target
"""

FILES = {
    "etc/systemd/system/lab-network.service": NETWORK_UNIT,
    # Only the names that a node's own file knows: nothing ever asks a server.
    "etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nshadow: files\n"
                         "hosts: files\nnetworks: files\nprotocols: files\nservices: files\n",
    # A power cut must not take the evidence along, nor a limit hide it.
    "etc/systemd/journald.conf.d/lab.conf":
        "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=64M\n",
    # No reverse look-ups, and nobody's banner.
    "etc/ssh/sshd_config.d/lab.conf": "UseDNS no\nPrintMotd no\n",
}

DPKG_OPTIONS = [
    "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/info/*",
]

# A joiner copies all of the datadir, and a node of a lab its own at creation.
LOG_FILE_SIZE = "16M"


def image_cache():
    """Where images lie: never in the checkout."""
    return Path(os.environ.get("MAINSTAY_LAB_CACHE", "/var/cache/mainstay-lab"))


def image_path(name):
    """The directory of an image, built or not."""
    if name not in IMAGES:
        raise LabError(f"no image {name!r}: there are {', '.join(IMAGES)}")
    recipe = [IMAGES[name], PACKAGES, MASKED, DISABLED, FILES, DPKG_OPTIONS, LOG_FILE_SIZE]
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    return image_cache() / f"{name}-{digest[:12]}"


def image_build(name):
    """Builds an image unless it is there, and returns its directory."""
    path = image_path(name)
    if path.is_dir():
        return path
    host_require("mmdebstrap", "systemctl", "chroot")
    path.parent.mkdir(parents=True, exist_ok=True)
    with image_lock(name):
        if not path.is_dir():
            _build(name, path)
    return path


@contextmanager
def image_lock(name):
    """Held while something is built for an image: two builders of one image would empty each other's temporary directory."""
    with open(image_cache() / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name, path):
    """Builds beside the final name, which therefore only a whole image ever has."""
    started = time.monotonic()
    print(f"lab: building {path}, about a minute", file=sys.stderr)
    partial = path.with_name(f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _bootstrap(IMAGES[name], partial)
        _write_files(partial)
        _choose_units(partial)
        _shrink_datadir(partial)
        _forget_identity(partial)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    print(f"lab: built in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _bootstrap(suite, root):
    options = [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    host_run("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", *options,
             f"--include={','.join(PACKAGES)}", suite, root, timeout=1200)


def _write_files(root):
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _choose_units(root):
    host_run("systemctl", f"--root={root}", "mask", *MASKED)
    host_run("systemctl", f"--root={root}", "disable", *DISABLED)
    host_run("systemctl", f"--root={root}", "enable", "lab-network.service")
    host_run("systemctl", f"--root={root}", "set-default", "multi-user.target")
    # Left behind, it would keep a later package in a node from starting things.
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)


def _shrink_datadir(root):
    """The package makes a log of 96 MB, mostly empty."""
    host_run("chroot", root, "mariadbd", "--no-defaults", "--bootstrap", "--user=mysql",
             "--datadir=/var/lib/mysql", f"--innodb-log-file-size={LOG_FILE_SIZE}",
             input="SELECT 1;\n", timeout=120)


def _forget_identity(root):
    """What must differ from node to node: it is written when a node is made."""
    (root / "etc/machine-id").write_text("")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)
    for directory in ("var/lib/apt/lists", "var/cache/apt", "var/log/journal"):
        shutil.rmtree(root / directory, ignore_errors=True)
        (root / directory).mkdir()

"""Images: root directories that the nodes of a lab share read-only.

An image is a plain directory, named by a hash of everything that shapes it, so
that a changed recipe is a new image and an old one never passes for it.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

from .flavour import MariaDB, MySQL
from .host import LabError, host_require, host_run

Image = namedtuple("Image", "suite flavour moves packages disabled", defaults=[False, [], []])
Image.__doc__ = ("A suite of Debian and the servers in it. One that `moves` may have others tomorrow, or none. "
                 "It may have more packages, and units of them that do not start by themselves.")

IMAGES = {
    "mariadb-10.11": Image("bookworm", MariaDB),
    "mariadb-11.8": Image("trixie", MariaDB),
    "mysql-9.7": Image("sid", MySQL, moves=True),
}
DEFAULT = "mariadb-10.11"
# The same with something beside, which no scenario knows: "mariadb-10.11+pacemaker".
BESIDE = {
    "pacemaker": (["pacemaker", "pacemaker-cli-utils", "corosync", "resource-agents", "crmsh"],
                  ["pacemaker.service", "corosync.service"]),
}

# The system.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "polkitd", "openssh-server", "iproute2",
            "procps", "socat", "nftables", "sudo", "python3"]
# What Mainstay is linked with, beside the client library of its server.
LIBRARIES = ["libinih1", "libjansson4", "libmicrohttpd12", "libsystemd0"]

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

# What a suite calls out of date is the last there is of it, and apt would rather have none.
BOOTSTRAP_MOVING = ["--aptopt=Acquire::Check-Valid-Until \"false\""]


# What apt says of packages that do not fit together, or are not there.
UNFIT = re.compile(r"^ \S+ : .*(Depends|Conflicts|Breaks)|^E: Unable to (correct problems|locate package)|has no installation candidate", re.MULTILINE)
# Which package wants what, and apt's complaint.
WHY = re.compile(r"^ \S+ : .*|^E: .*", re.MULTILINE)


class ImageUnavailable(LabError):
    """A suite that moves does not have today what the image is made of."""


def image_cache():
    """Where images lie: never in the checkout."""
    return Path(os.environ.get("MAINSTAY_LAB_CACHE", "/var/cache/mainstay-lab"))


def image_path(name):
    """The directory of an image, built or not."""
    image = _image(name)
    recipe = [image.suite, _packages(image), MASKED, _disabled(image), FILES, DPKG_OPTIONS,
              image.flavour.log_file_size]
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    return image_cache() / f"{name}-{digest[:12]}"


def _image(name):
    plain, _, beside = name.partition("+")
    if plain not in IMAGES or beside not in {"", *BESIDE}:
        raise LabError(f"no image {name!r}: there are {', '.join(IMAGES)}")
    image = IMAGES[plain]
    if beside:
        packages, disabled = BESIDE[beside]
        image = image._replace(packages=packages, disabled=disabled)
    return image


def _packages(image):
    return PACKAGES + image.flavour.packages + LIBRARIES + image.packages


def _disabled(image):
    return [*image.flavour.disabled, "nftables.service", *image.disabled]


def image_flavour(name):
    """The kind of its servers: see flavour.py."""
    return _image(name).flavour


def image_build(name):
    """Builds an image unless it is there, and returns its directory.

    Raises ImageUnavailable where that is nobody's mistake here.
    """
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
    print(f"lab: building {path}, a minute or a few", file=sys.stderr)
    image = _image(name)
    partial = path.with_name(f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _bootstrap(name, image, partial)
        _write_files(partial)
        _choose_units(partial, _disabled(image))
        image.flavour.shrink_datadir(partial)
        _forget_identity(partial)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    print(f"lab: built in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _bootstrap(name, image, root):
    options = [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    options += BOOTSTRAP_MOVING if image.moves else []
    try:
        host_run("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", *options,
                 f"--include={','.join(_packages(image))}", image.suite, root, timeout=1200)
    except LabError as error:
        if not image.moves or not UNFIT.search(str(error)):
            raise
        why = " ".join(" ".join(WHY.findall(str(error))[:2]).split())
        raise ImageUnavailable(f"{name} cannot be built of Debian {image.suite} today: "
                               f"{why or error}") from error
    if image.moves:
        said = host_run("chroot", root, image.flavour.program, "--version").strip()
        if f" {name.partition('-')[2]}." not in said:
            raise ImageUnavailable(f"Debian {image.suite} has another server than {name} now: {said}")


def _write_files(root):
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _choose_units(root, disabled):
    host_run("systemctl", f"--root={root}", "mask", *MASKED)
    host_run("systemctl", f"--root={root}", "disable", *disabled)
    host_run("systemctl", f"--root={root}", "enable", "lab-network.service")
    host_run("systemctl", f"--root={root}", "set-default", "multi-user.target")
    # Left behind, it would keep a later package in a node from starting things.
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)


def _forget_identity(root):
    """What must differ from node to node: it is written when a node is made."""
    (root / "etc/machine-id").write_text("")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("etc/hostname", "etc/resolv.conf", "var/lib/mysql/auto.cnf"):
        (root / name).unlink(missing_ok=True)
    for directory in ("var/lib/apt/lists", "var/cache/apt", "var/log/journal"):
        shutil.rmtree(root / directory, ignore_errors=True)
        (root / directory).mkdir()

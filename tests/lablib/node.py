"""One node: what is done in it and to it."""

import os
import signal
import subprocess
import time
from pathlib import Path

from .cgroup import (cgroup_freeze, cgroup_frozen, cgroup_init, cgroup_make, cgroup_paths,
                     cgroup_pids, cgroup_remove)
from .client import Client, ClientGone
from .disk import disk_root, disk_run
from .host import LabError, host_run
from .network import (network_answers, network_bridge, network_link_exists,
                      network_link_set)

SOCKET = "run/mysqld/mysqld.sock"
SSH_PORT = 22

# What systemd takes as "power off", counted from SIGRTMIN.
POWER_OFF = 4

# A node's own, nothing of the host's.
ENVIRONMENT = {
    "HOME": "/root", "LANG": "C.UTF-8", "LOGNAME": "root", "USER": "root",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_PAGER": "", "TERM": os.environ.get("TERM", "dumb"),
}

# A node's systemd knows no other hierarchy, and what nobody else can boot needs
# no lock file, which would stay behind.
NSPAWN_ENVIRONMENT = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_LOCK": "0"}

# A process enters its cgroups before it becomes systemd-nspawn, for that one
# makes the node's below the one it finds itself in.
ENTER_CGROUPS = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; ' \
                'shift; exec "$@"'

DIAGNOSED = ["mainstayd.service", "mainstay-*", "mariadb.service", "mysql.service"]


class Node:
    """A node of a lab, running or not. `booted_at` and `network_at` are
    time.monotonic() of its last boot and of its network's first answer."""

    def __init__(self, lab, name, address):
        self.lab = lab
        self.name = name
        self.address = address
        self.root = disk_root(lab, name)
        self.booted_at = None
        self.network_at = None
        self._known_init = None

    def __repr__(self):
        return f"<node {self.name} of {self.lab}>"

    # What it is.

    def init(self):
        """The number, on the host, of the node's process 1; None when it is off."""
        if self._known_init is None or not self._is_mine(self._known_init):
            self._known_init = cgroup_init(self.lab, self.name)
        return self._known_init

    def _is_mine(self, pid):
        """Numbers are used again: a cached one has to prove itself."""
        try:
            text = Path("/proc", str(pid), "cgroup").read_text()
            return f"/{self.lab}/{self.name}/" in text and os.path.exists(f"/proc/{pid}/root/etc")
        except OSError:
            return False

    def state(self):
        """off, frozen or running."""
        if self.init() is None:
            return "off"
        return "frozen" if cgroup_frozen(self.lab, self.name) else "running"

    # What is done in it.

    def command(self, command):
        """The host's command line that runs `command` (str: by the shell) in the node."""
        init = self.init()
        if init is None:
            raise LabError(f"{self.name} is off")
        words = ["sh", "-c", command] if isinstance(command, str) else [str(w) for w in command]
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        return ["nsenter", "--target", str(init), "--all", "env", "-i", *environment, *words]

    def run(self, command, check=True, timeout=60, input=None):
        """Runs a command to its end; returns a CompletedProcess with text.

        With `check`, an exit status other than 0 raises LabError with all that
        the command printed. It is killed after `timeout` seconds, and that
        raises LabError too.
        """
        process = self.spawn(command, stdin=subprocess.PIPE if input is not None
                             else subprocess.DEVNULL)
        try:
            out, err = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: {command}: no end after {timeout} s\n{self._words_of(self._at_work)}".rstrip()) from None
        finally:
            _kill_group(process)
        if check and process.returncode != 0:
            raise LabError(f"{self.name}: {command}: exit status {process.returncode}\n"
                           f"{out}{err}".rstrip())
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _at_work(self):
        """What systemd is busy with: nobody can tell any more once a scenario has tidied up."""
        process = self.spawn("for unit in $(systemctl list-jobs --no-legend | awk '{ print $2 }'); do "
                             "systemctl status --no-pager --full --lines=12 $unit; done")
        try:
            return process.communicate(timeout=15)[0]
        except subprocess.TimeoutExpired:
            return "(systemd does not answer)"
        finally:
            _kill_group(process)

    def spawn(self, command, stdin=subprocess.DEVNULL, **options):
        """Starts a command and returns its Popen: pipes, text. It dies with the node."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        return subprocess.Popen(self.command(command), stdin=stdin, start_new_session=True,
                                **options)

    # Its server.

    def client(self, timeout=5, user="root"):
        """A connection to the node's server through its socket, as root or as one without a password."""
        init = self.init()
        if init is None:
            raise ClientGone(f"{self.name} is off")
        return Client(f"/proc/{init}/root/{SOCKET}", timeout, user)

    def rows(self, statement, timeout=10):
        """The rows of one or more statements: lists of str, None for NULL."""
        with self.client(timeout) as client:
            return client.query(statement, timeout)

    def records(self, statement, timeout=10):
        """The rows of one statement as dicts by the names of the columns."""
        with self.client(timeout) as client:
            return client.query_records(statement, timeout)

    def sql(self, statement, timeout=10):
        """What `mariadb -N -B -e` would print, without the last newline."""
        return "\n".join("\t".join("NULL" if value is None else value for value in row)
                         for row in self.rows(statement, timeout))

    def wsrep_status(self, timeout=5):
        """The server's wsrep_* status variables, by their names without `wsrep_`."""
        rows = self.rows("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'", timeout)
        return {name.removeprefix("wsrep_"): value for name, value in rows}

    def is_synced(self, size=None):
        """Whether its server is Synced in a Primary component (of `size` nodes)."""
        try:
            status = self.wsrep_status(timeout=1)
        except LabError:
            return False
        return (status.get("cluster_status") == "Primary"
                and status.get("local_state_comment") == "Synced"
                and (size is None or status.get("cluster_size") == str(size)))

    # Its files and its journal: also when it is off.

    def path(self, name):
        """A file of the node by its path on the host. Not for /run and /tmp of a running one."""
        return self.root / str(name).lstrip("/")

    def journal(self, unit=None, boot="0", lines=None):
        """The journal, of one unit or of all, of one boot ("0", "-1", "all")."""
        words = ["journalctl", "--no-pager", "--quiet", "-o", "short-precise"]
        words += [f"--unit={unit}"] if unit else []
        words += [f"--lines={lines}"] if lines else []
        if self.state() == "running":
            words += ["--boot=all"] if boot == "all" else [f"--boot={boot}"]
            return self.run(words).stdout
        # Boots are counted from the last one only where a directory is given.
        return host_run("chroot", self.root, *words, f"--boot={boot}",
                        "--directory=/var/log/journal", check=False)

    def journal_entries(self, since):
        """All of all boots since then (seconds), in full, an object of JSON on each line."""
        words = ["journalctl", "--no-pager", "--quiet", "--all", "-o", "json", f"--since=@{since:.3f}"]
        if self.state() == "running":
            return self.run(words, check=False).stdout
        return host_run("chroot", self.root, *words, "--directory=/var/log/journal", check=False, timeout=60)

    def diagnosis(self, lines=80):
        """What its units and its journal say, for a person who comes too late."""
        parts = [f"===== {self.name}: {self.state()}"]
        if self.state() == "running":
            for words in (["systemctl", "status", "--no-pager", "--lines=0", "--all", *DIAGNOSED],
                          ["cat", "/var/lib/mysql/grastate.dat", "/var/lib/mysql/gvwstate.dat"]):
                parts.append(self._words_of(lambda w=words: self.run(w, check=False, timeout=15).stdout))
            parts.append(self._words_of(self._wsrep_words))
        units = [f"--unit={unit}" for unit in DIAGNOSED]
        words = ["journalctl", "--no-pager", "--quiet", f"--lines={lines}", *units]
        parts.append(self._words_of(
            lambda: self.run(words, check=False, timeout=15).stdout if self.state() == "running"
            else host_run("chroot", self.root, *words, "--directory=/var/log/journal",
                          check=False)))
        return "\n".join(parts)

    @staticmethod
    def _words_of(source):
        """A diagnosis tells what it can: a source that fails is told as well."""
        try:
            return source().rstrip()
        except (LabError, OSError) as error:
            return f"({error})"

    def _wsrep_words(self):
        status = self.wsrep_status(timeout=2)
        return "wsrep: " + ", ".join(f"{name} {status.get(name)}" for name in (
            "cluster_status", "local_state_comment", "cluster_size", "cluster_state_uuid",
            "last_committed", "ready"))

    # What is done to it.

    def start(self):
        """Begins to boot, and returns at once."""
        if cgroup_pids(self.lab, self.name):
            raise LabError(f"{self.name} is on already")
        cgroup_make(self.lab, self.name)
        self.booted_at, self.network_at = time.monotonic(), None
        groups = [str(path) for path in cgroup_paths(self.lab, self.name)]
        nspawn = ["systemd-nspawn", "--quiet", "--settings=no", "--keep-unit", "--register=no",
                  f"--directory={self.root}", f"--machine={self.lab}-{self.name}",
                  f"--hostname={self.name}", f"--network-bridge={network_bridge(self.lab)}",
                  "--link-journal=no", "--resolv-conf=off", "--timezone=off",
                  "--console=read-only", "--boot"]
        with open(self._console(), "ab") as console:
            # By `setsid --fork` it is nobody's child, and needs nobody to reap it.
            subprocess.run(["setsid", "--fork", "sh", "-c", ENTER_CGROUPS, "sh", *groups, "--",
                            *nspawn], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                           env={**os.environ, **NSPAWN_ENVIRONMENT},
                           timeout=10, check=True)

    def _console(self):
        return disk_run(self.lab, self.name) / "console.log"

    def answers(self):
        """Whether port 22 takes a connection, as seen by the host."""
        answer = network_answers(self.address, SSH_PORT)
        if answer and self.network_at is None:
            self.network_at = time.monotonic()
        if answer != "open" and time.monotonic() - self.booted_at > 2:
            self._check_alive()
        return answer == "open"

    def _check_alive(self):
        if not cgroup_pids(self.lab, self.name):
            console = self._console().read_text(errors="replace")
            raise LabError(f"{self.name} ended while it booted\n{console[-2000:]}")

    def kill(self):
        """SIGKILL to process 1, with which all of the node dies; no waiting."""
        if (init := self.init()) is not None:
            try:
                os.kill(init, signal.SIGKILL)
            except ProcessLookupError:
                pass
            # What holds the frozen node from outside would never see its end.
            if cgroup_frozen(self.lab, self.name):
                cgroup_freeze(self.lab, self.name, False)

    def power_off(self):
        """Asks systemd to power off; no waiting."""
        if (init := self.init()) is not None:
            try:
                os.kill(init, signal.SIGRTMIN + POWER_OFF)
            except ProcessLookupError:
                pass

    def wait_off(self, timeout):
        """Waits until nothing of the node is left."""
        deadline = time.monotonic() + timeout
        while cgroup_pids(self.lab, self.name):
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is still on after {timeout} s\n{self.diagnosis()}")
            time.sleep(0.02)
        cgroup_remove(self.lab, self.name)

    def cut(self):
        """A power cut: see Lab.cut()."""
        network_link_set(self.lab, [self.name], False)
        self.kill()
        self.wait_off(15)

    def stop(self, timeout=120):
        """An orderly power-off."""
        self.power_off()
        self.wait_off(timeout)

    def boot(self, wait=True, timeout=60):
        """Boots, and waits until the network answers."""
        self.start()
        deadline = time.monotonic() + timeout
        while wait and not self.answers():
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: no answer after {timeout} s")
            time.sleep(0.02)

    def link(self, up):
        """Takes its link up or down, at the host's end."""
        if not network_link_exists(self.lab, self.name):
            raise LabError(f"{self.name} has no link: it is off")
        network_link_set(self.lab, [self.name], up)

    def freeze(self):
        cgroup_freeze(self.lab, self.name, True)

    def thaw(self):
        cgroup_freeze(self.lab, self.name, False)


def _kill_group(process):
    """The command in the node is of the same process group as nsenter."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

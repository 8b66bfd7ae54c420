"""What a person sees at a terminal, and a program off it: nodes as they are watched and explained."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from cluster import PATIENT
from interruption import go_on, slowly
from provision import begin, is_over, scenario_of_copies
from scenario import scenario

LEAVE = "\x1b[?1049l"
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """A program of a node at a terminal of its own."""

    def __init__(self, node, *words, columns=120, rows=40):
        self.master, line = pty.openpty()
        fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(line)
        self.line = line
        self.text = ""
        self.process = subprocess.Popen(
            node.command(["env", "TERM=xterm", *words]), stdin=line, stdout=line, stderr=line,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(line, termios.TIOCSCTTY, 0))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                more = os.read(self.master, 65536)
            except OSError:
                return
            self.text += more.decode("utf-8", "replace")

    def shown(self):
        """What was drawn last, as it is read."""
        return SEQUENCE.sub("", self.text.rpartition("\x1b[H")[2])

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self, keys):
        """It ends by these, and leaves the terminal as it found it."""
        self.type(keys)
        status = self.process.wait(timeout=20)
        assert status == 0, f"it ended with {status}"
        assert termios.tcgetattr(self.line) == self.before, "the terminal is set otherwise now"

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.line)
        os.close(self.master)


def explained(cluster, on, name):
    return json.loads(cluster.node(on).run(["mainstayctl", "explain", name, "--json"]).stdout)


def evidence(one, what):
    return " ".join(fact["text"] for fact in one["evidence"] if fact["what"] == what)


def commands(one):
    return [change["command"] for change in one["changes"] if change["command"]]


@scenario
def a_full_copy_is_watched_as_it_comes(cluster):
    """At a terminal of another node how much has come is seen to grow; off one there is a line
    for each change, and not for each number."""
    db1, db3 = cluster.node("db1"), cluster.node("db3")
    with cluster.ledger:
        cluster.write_some()
    db3.run("systemctl stop mariadb; mv /var/lib/mysql/grastate.dat /var/lib/mysql/grastate.bad; nft add table inet slow;"
            "nft 'add chain inet slow in { type filter hook input priority 0; }';"
            "nft add rule inet slow in tcp dport 4444 limit rate over 1000 kbytes/second drop", timeout=120)
    screen = Screen(db1, "mainstayctl", "status", "--watch")
    log = db1.spawn(["stdbuf", "-oL", "mainstayctl", "status", "--watch"])
    try:
        cluster.wait(lambda: "stopped" in screen.shown(), "db3 to be seen stopped")
        assert "systemctl start mainstay-join" in commands(explained(cluster, "db1", "db3")), explained(cluster, "db1", "db3")
        db3.run(["systemctl", "start", "--no-block", "mainstay-join"])
        cluster.wait(lambda: "receiving a full copy (SST) from db" in screen.shown() and "<=>" in screen.shown(), "the copy to be seen", interval=0.2)
        first = screen.shown()
        cluster.wait(lambda: "receiving a full copy" in screen.shown() and screen.shown() != first, "it to be seen to grow", interval=0.2)
        assert "receiving a full copy (SST) from db" in evidence(explained(cluster, "db1", "db3"), "mysqld")
        db3.run("nft delete table inet slow")
        cluster.wait_synced()
        cluster.wait(lambda: re.search(r"db3 +ONLINE", screen.shown()), "db3 to be seen ONLINE")
        assert "\x1b[2J" not in screen.text, "the screen was wiped"
        screen.end("q")    # Ctrl-C would end what leads into the node, too
        assert screen.text.rstrip().endswith(LEAVE), screen.text[-80:]
        cluster.wait(lambda: cluster.hears_all(db1), "db1 to hear all")
    finally:
        db3.run("nft delete table inet slow", check=False)
        screen.close()
        os.killpg(log.pid, signal.SIGTERM)
        said = log.communicate(timeout=20)[0]
    lines = [line.partition("  db3: ")[2] for line in said.splitlines() if "  db3: " in line]
    assert "\x1b" not in said, said
    assert sum("a full copy (SST)" in line for line in lines) in (1, 2), said    # mysqld is starting first, and then joining
    assert lines[-1].startswith("ONLINE"), said
    cluster.check()


@scenario
def a_node_says_why_it_is_not_online(cluster):
    """Of itself, of one that is stopped, and of one that has lost its power, with what would
    change that; and what is said to be typed does."""
    cluster.stop_one_by_one("db2")
    own = explained(cluster, "db2", "db2")
    assert own["state"] == "OFFLINE" and commands(own) == ["systemctl start mainstay-join"], own
    assert "mariadb.service is inactive (dead)" in evidence(own, "unit"), own
    assert "not guarded" not in evidence(own, "gate"), own
    assert "a person has stopped it" in evidence(own, "mysqld"), own
    assert explained(cluster, "db1", "db2")["state"] == "OFFLINE"
    cluster.node("db2").run(commands(own)[0], timeout=PATIENT)
    cluster.wait_synced()
    cluster.wait(lambda: explained(cluster, "db1", "db2") | {"evidence": []} == {"node": "db2", "state": "ONLINE", "reason": None, "changes": [], "evidence": []},
                 "db2 to be explained as ONLINE")

    cluster.lab.cut("db3")
    cluster.wait(lambda: explained(cluster, "db1", "db3")["state"] == "uncertain", "db3 to be silent")
    silent = explained(cluster, "db1", "db3")
    assert "since 20" in evidence(silent, "heard"), silent
    assert "its mysqld was primary" in evidence(silent, "last heard"), silent
    # All have lost it, and two are back: who is missing is named, and how to give it up.
    cluster.lab.cut("db1", "db2")
    cluster.lab.boot("db1", "db2")
    cluster.wait_awaits("db1", ["db3"])
    own, silent = explained(cluster, "db1", "db1"), explained(cluster, "db1", "db3")
    assert commands(own) == ["mainstayctl explain db3", "mainstayctl plan --without db3"], own
    assert "mainstayctl plan --without db3" in commands(silent), silent
    assert any("count as diverged for a configuration change alone" in change["text"] for change in silent["changes"]), silent
    done = cluster.node("db1").run(commands(own)[1], check=False)
    assert "With db3 given up: " in done.stdout, done
    done = cluster.node("db1").run(["mainstayctl", "explain", "db9"], check=False)
    assert done.returncode == 1 and "db1, db2 and db3" in done.stderr, done
    cluster.lab.boot("db3")
    cluster.wait_synced()
    cluster.check()


@scenario_of_copies
def a_provision_is_watched_as_it_comes(service):
    """How far it has come is a bar, on another node too; q ends the watching, and not the job."""
    with slowly(service, "db1"):
        screen = Screen(service.node("db3"), "mainstayctl", "status", "--watch")
        try:
            number = begin(service, "db2")
            service.wait(lambda: re.search(rf"job {number}: provision, by db1, at copy: .* of .*\n *\[[█▉▊▋▌▍▎▏ ]{{40,}}\]", screen.shown()), "a bar to be seen", interval=0.2)
            told = explained(service, "db3", "db2")
            assert f"job {number}: provision" in evidence(told, "job"), told
            screen.end("q")
        finally:
            screen.close()
            go_on(service, "db1")
        service.wait(lambda: is_over(service, "db2", number), "the job to end", timeout=PATIENT)
    service.ctl("db2", "provision", "commit")
    service.wait_state("db2", "OFFLINE", seen_by="db3")
    told = explained(service, "db3", "db2")
    assert commands(told) == ["mainstayctl online db2"], told
    service.node("db3").run(commands(told)[0], timeout=PATIENT)
    service.wait_state("db2", "ONLINE", seen_by="db3")
    assert explained(service, "db3", "db2")["changes"] == []
    service.check()

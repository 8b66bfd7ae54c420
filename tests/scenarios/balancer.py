"""HAProxy before the nodes of a lab, on the host's address of its bridge, and a client
that writes and reads through it."""

import csv
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from lablib import LabError, wait_until
from lablib.client import Client
from lablib.host import host_require
from lablib.ledger import PROBE, Ledger, Write
from lablib.network import HOST_PART

USER = "lb"
INTERVAL = 0.5    # seconds between two checks of a node

# "write" and "read" by HTTP; "agent" trusts HAProxy's agent-check alone.
PORTS = {"write": 13306, "read": 13307, "agent": 13308}
HEALTH, AGENT = 4580, 4581

CONFIG = """\
global
    stats socket {directory}/stats mode 600 level admin
defaults
    mode tcp
    timeout connect 1s
    timeout client 20s
    timeout server 20s
    retries 2
    option redispatch
    default-server inter {interval}ms fall 2 rise 2 on-marked-down shutdown-sessions
"""

BY_HTTP = """
listen {name}
    bind {address}:{port}
    balance roundrobin
    option httpchk GET {page}
    http-check expect status 200
"""

BY_AGENT = """
listen {name}
    bind {address}:{port}
    balance roundrobin
"""


class Balancer:
    """`with Balancer(nodes) as balancer:`; it ends with the block."""

    def __init__(self, nodes, read="/read", write="/write", more=""):
        host_require("haproxy", "curl")
        self.nodes = list(nodes)
        self.address = f"{self.nodes[0].address.rpartition('.')[0]}.{HOST_PART}"
        self.pages = {"write": write, "read": read}
        self.more = more    # of its configuration
        self._directory = self._process = None

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="mainstay-lab-")
        path = Path(self._directory.name, "haproxy.cfg")
        path.write_text(self._config())
        self._process = subprocess.Popen(["haproxy", "-db", "-q", "-f", path], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: Path(self._directory.name, "stats").exists(), 10, "HAProxy to be up")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    def _config(self):
        text = CONFIG.format(directory=self._directory.name, interval=int(INTERVAL * 1000))
        for name, port in PORTS.items():
            text += (BY_HTTP if name in self.pages else BY_AGENT).format(
                name=name, address=self.address, port=port, page=self.pages.get(name))
            check = f"check port {HEALTH}" if name in self.pages else \
                f"check agent-check agent-port {AGENT} agent-inter {int(INTERVAL * 1000)}ms"
            text += "".join(f"    server {node.name} {node.address}:3306 {check}\n" for node in self.nodes)
        return f"{text}\n{self.more}"

    def table(self, name):
        """{node: what HAProxy makes of it: UP, DOWN, DRAIN, MAINT, without its countdown}."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(Path(self._directory.name, "stats")))
            asked.sendall(b"show stat\n")
            text = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        rows = csv.DictReader(text.lstrip("# ").splitlines())
        return {row["svname"]: row["status"].split()[0] for row in rows
                if row["pxname"] == name and row["svname"] not in ("FRONTEND", "BACKEND")}

    def wait(self, name, node, *states, timeout=30):
        wait_until(lambda: self.table(name)[node] in states, timeout,
                   f"HAProxy to have {node} as {' or '.join(states)} in {name}: {self.table(name)}", interval=0.05)

    def wait_all_up(self, *names):
        for name in names:
            for node in self.table(name):
                self.wait(name, node, "UP", timeout=60)

    def client(self, name, timeout=5):
        """A connection through it."""
        return Client((self.address, PORTS[name]), timeout, USER)

    def who(self, name):
        """Which node a new connection comes to."""
        with self.client(name) as client:
            return client.query("SELECT @@hostname")[0][0]


class Traffic(Ledger):
    """A ledger of one writer, who comes through the balancer and asks for a new connection
    for every write. A Write's node is the one that took it."""

    def __init__(self, balancer, name="write"):
        super().__init__([], pace=0.02)
        self._next = time.time_ns()    # none of another ledger's
        self._balancer, self._name = balancer, name

    def start(self):
        if not self._threads:
            self._end.clear()
            self._threads = [threading.Thread(target=self._run, name="traffic", daemon=True)]
            self._threads[0].start()
        return self

    def _run(self):
        while not self._end.is_set():
            sent_at = time.monotonic()
            number, self._next = self._next, self._next + 1
            try:
                with self._balancer.client(self._name, timeout=self._write_timeout) as client:
                    taker = client.query(f"INSERT INTO lab.ledger VALUES ({number}, 'traffic'); SELECT @@hostname",
                                         timeout=self._write_timeout)[0][0]
                with self._lock:
                    self._accepted.append(Write(number, taker, sent_at, time.monotonic()))
                self._end.wait(self._pace)
            except (LabError, OSError) as error:
                with self._lock:
                    self._failures["traffic"] = str(error)
                self._end.wait(PROBE)

    def takers(self, since, until=None):
        """Who took what was sent between these moments."""
        return {write.node for write in self.accepted()
                if write.sent_at >= since and (until is None or write.sent_at < until)}


def ask(node, page="/write", port=None):
    """(status, {header: value}, body) of a node's health, as curl has it."""
    done = subprocess.run(["curl", "-s", "-i", "-m", "5", f"http://{node.address}:{port or HEALTH}{page}"],
                          capture_output=True, text=True)
    head, _, body = done.stdout.replace("\r", "").partition("\n\n")
    first, *lines = head.split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return (int(first.split()[1]) if done.returncode == 0 else None), headers, body


def obstacle(node, page="/write"):
    """What stands in the way there: "none"; None where nobody answers."""
    return ask(node, page)[1].get("X-Mainstay-Obstacle")


def agent_line(node, port=AGENT):
    """What HAProxy's agent-check is told."""
    with socket.create_connection((node.address, port), timeout=5) as asked:
        return b"".join(iter(lambda: asked.recv(4096), b"")).decode()

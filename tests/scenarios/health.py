"""What a load balancer is told, and makes of it: real HAProxy before real nodes, with a
client that writes through it."""

import json
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from balancer import AGENT, HEALTH, INTERVAL, USER, Balancer, Traffic, agent_line, ask, obstacle
from cluster import PATIENT
from lablib.host import host_require
from lablib.network import network_answers
from replication import Service
from scenario import scenario

SOCKETS = ["mainstay-health.socket", "mainstay-health-write.socket", "mainstay-health-read.socket"]
# No event tells of most of it: it is seen by the next look, and one is taken while
# somebody checks.
SEEN_WITHIN = 2.5
# HAProxy wants two in a row.
TAKEN_OUT_WITHIN = SEEN_WITHIN + 3 * INTERVAL + 1

MANUAL = Path(__file__).resolve().parents[2] / "agent/mainstay-health.8.scd"
DROPIN = "/run/systemd/system/mainstay-health.socket.d"

NO_COPY = """
table inet copy {
    chain in { type filter hook input priority 0; tcp dport 4444 drop; }
}
"""


@contextmanager
def served(cluster, of, **pages):
    """The nodes answer, and HAProxy uses them."""
    of.rows(f"CREATE USER IF NOT EXISTS {USER}@'%'; GRANT SELECT, INSERT ON lab.* TO {USER}@'%'")
    cluster.on_all(lambda node: node.run(["systemctl", "start", *SOCKETS]))
    try:
        with Balancer(cluster.nodes(), **pages) as balancer:
            yield balancer
    finally:
        cluster.on_all(lambda node: node.run("systemctl stop 'mainstay-health*'", check=False)
                       if node.state() == "running" else None)


def wait_told(cluster, node, what, page="/write", within=SEEN_WITHIN):
    """And says how long it took."""
    began = time.monotonic()
    cluster.wait(lambda: obstacle(node, page) == what, f"{node.name} to tell of {what}, not {ask(node, page)}", interval=0.05)
    took = time.monotonic() - began
    assert took < within, f"{node.name} told of {what} only after {took:.1f} s"
    print(f"    {what}: told after {took:.2f} s", flush=True)


@contextmanager
def out_of(balancer, traffic, node, state="DOWN", agent="DOWN"):
    """Inside, HAProxy does not use the node, and no write comes to it; the others take them."""
    began = time.monotonic()
    balancer.wait("write", node.name, "DOWN")
    balancer.wait("agent", node.name, agent)
    took = time.monotonic() - began
    assert took < TAKEN_OUT_WITHIN, f"HAProxy took {node.name} out only after {took:.1f} s"
    out = time.monotonic()
    yield
    for _ in range(10):
        traffic.wait_accepted(time.monotonic(), PATIENT)
    takers = traffic.takers(out)
    assert takers and node.name not in takers, f"HAProxy had {node.name} as out, and writes came to {takers}"


def set_global(node, name, on, off):
    return lambda: node.rows(f"SET GLOBAL {name} = {on}"), lambda: node.rows(f"SET GLOBAL {name} = {off}")


def typed(node, do, undo):
    return lambda: node.run(do, timeout=PATIENT), lambda: node.run(undo, timeout=PATIENT)


@scenario
def a_load_balancer_tells_each_state_apart(cluster):
    """Shunned, offline, draining, desynced, read-only, rejecting, without an agent, hanging:
    each is told as what it is, and HAProxy takes the node out, and in again."""
    node = cluster.node("db2")
    with served(cluster, cluster.node("db1")) as balancer, Traffic(balancer) as traffic:
        balancer.wait_all_up("write", "read", "agent")
        cases = {
            "shunned": (*typed(node, "mainstayctl shun db2 --reason 'a new disk'", "mainstayctl online db2"), "MAINT"),
            "offline": (*typed(node, "mainstayctl offline db2", "mainstayctl online db2"), "MAINT"),
            "desynced": (*set_global(node, "wsrep_desync", "ON", "OFF"), "DOWN"),
            "read-only": (*set_global(node, "read_only", "ON", "OFF"), "DOWN"),
            "rejecting": (*set_global(node, "wsrep_reject_queries", "ALL", "NONE"), "DOWN"),
            "agent": (*typed(node, "systemctl stop mainstayd", "systemctl start mainstayd"), "DOWN"),
        }
        for what, (do, undo, agent) in cases.items():
            do()
            try:
                wait_told(cluster, node, what)
                status, headers, body = ask(node)
                assert status == 503 and body, (status, headers, body)
                assert ask(node, "/read")[0] == (200 if what == "read-only" else 503), what
                assert what == "agent" or float(headers["X-Mainstay-Age"]) < 2, headers
                if what == "desynced":
                    assert ask(node, "/write?desynced=ok")[0] == 200
                with out_of(balancer, traffic, node, agent=agent):
                    if what == "read-only":
                        balancer.wait("read", node.name, "UP")    # a check of the case before may have ended late
            finally:
                undo()
            wait_told(cluster, node, "none")
            balancer.wait_all_up("write", "read", "agent")

        # Whoever is connected may end in peace, and nobody new comes.
        with node.client(user=USER) as client:
            node.run(["mainstayctl", "drain", "db2", "--no-wait"])
            wait_told(cluster, node, "draining")
            assert agent_line(node) == "up drain\n", agent_line(node)
            with out_of(balancer, traffic, node, agent="DRAIN"):
                assert client.query("SELECT 1") == [["1"]]
        cluster.wait(lambda: obstacle(node) == "offline", "the drain to be over")
        node.run(["mainstayctl", "online", "db2"])
        wait_told(cluster, node, "none")
        balancer.wait_all_up("write", "read", "agent")

        # One that hangs is not waited for, nor taken for what it was.
        node.run(["systemctl", "kill", "--signal=STOP", "mariadb"])
        try:
            wait_told(cluster, node, "unknown", within=2 * SEEN_WITHIN)
        finally:
            node.run(["systemctl", "kill", "--signal=CONT", "mariadb"])
        balancer.wait_all_up("write", "read", "agent")
    traffic.check(cluster.nodes(), timeout=PATIENT)


@scenario
def a_load_balancer_does_without_a_donor_and_one_that_was_cut(cluster):
    """A full copy: donor and joiner are told apart, and both are left alone while the third
    takes the writes. Then the power of one is cut: it comes back by itself."""
    db1, db2, db3 = cluster.nodes()
    with served(cluster, db1) as balancer, Traffic(balancer) as traffic:
        balancer.wait_all_up("write", "read", "agent")
        db3.run("systemctl stop mariadb; rm /var/lib/mysql/grastate.dat", timeout=PATIENT)
        wait_told(cluster, db3, "stopped")
        db3.run("nft -f -", input=NO_COPY)
        try:
            db3.run(["mainstayctl", "join", "--no-wait", "--donor", "db2"])
            wait_told(cluster, db2, "donor", within=PATIENT)
            assert obstacle(db3) in ("starting", "joining"), ask(db3)
            # rsync stops the donor's writes; whoever is content with a donor is not with that.
            assert "may stop its writes" in ask(db2, "/write?donor=ok")[2], ask(db2, "/write?donor=ok")
            with out_of(balancer, traffic, db2):
                out = time.monotonic()
            assert traffic.takers(out) == {"db1"} and obstacle(db1) == "none"
        finally:
            db3.run("nft delete table inet copy")
        cluster.wait_synced()
        balancer.wait_all_up("write", "read", "agent")

        cluster.lab.cut("db2")
        cut = time.monotonic()
        balancer.wait("write", "db2", "DOWN")
        # The others stand still until they have given it up.
        traffic.wait_accepted(cut + 8, PATIENT)
        assert "db2" not in traffic.takers(cut + 1)
        assert [obstacle(db1), obstacle(db3)] == ["none", "none"]
        cluster.lab.boot("db2")
        db2.run(["systemctl", "start", *SOCKETS])
        balancer.wait_all_up("write", "read", "agent")
    traffic.check(cluster.nodes(), timeout=PATIENT)


@scenario
def monitoring_reads_what_it_understands(cluster):
    """/metrics is as Prometheus wants it, and says what is so; /status says all of it."""
    db1, db2 = cluster.nodes("db1", "db2")
    with served(cluster, db1):
        host_require("promtool")
        db2.run(["mainstayctl", "shun", "db2"])
        try:
            text = ask(db2, "/metrics")[2]
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            assert checked.returncode == 0 and not checked.stderr, checked
            for line in ('mainstay_up 1', 'mainstay_node_state{state="SHUNNED"} 1', 'mainstay_node_state{state="ONLINE"} 0', 'mainstay_cluster_size 3',
                         'mainstay_peers{condition="known"} 2', 'mainstay_node_ready{work="write"} 0', 'mainstay_node_obstacle{work="write",obstacle="shunned"} 1'):
                assert f"\n{line}\n" in f"\n{text}", f"{line} is not in {text}"
            said = json.loads(ask(db2, "/status")[2])
            assert said["node"] == "db2" and said["state"] == "SHUNNED" and said["write"]["obstacle"] == "shunned" and said["age"] < 2, said
        finally:
            db2.run(["mainstayctl", "online", "db2"])
        # It runs as nobody who owns anything, and may not reach the network.
        assert ask(db1)[0] == 200
        pid = db1.run(["systemctl", "show", "--value", "--property=MainPID", "mainstay-health"]).stdout.strip()
        assert db1.run(["stat", "-c", "%U", f"/proc/{pid}"]).stdout.strip() == "mainstay-health"
        # And it comes back, whatever becomes of it.
        db1.run(["systemctl", "kill", "--signal=KILL", "mainstay-health"])
        cluster.wait(lambda: ask(db1)[0] == 200, "the service to be back", timeout=5)
        pid = db1.run(["systemctl", "show", "--value", "--property=MainPID", "mainstay-health"]).stdout.strip()
        assert db1.run(["nsenter", "-t", pid, "-n", "ip", "-o", "link"]).stdout.count("\n") == 1


def manual_blocks(cluster):
    """What stands between the lines of ``` in the manual page, with this lab's addresses."""
    text = MANUAL.read_text()
    net = cluster.node("db1").address.rpartition(".")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for number, block in enumerate(blocks):
        block = re.sub(r"\b(db[123]):(\d)", lambda found: f"{cluster.node(found[1]).address}:{found[2]}", block)
        blocks[number] = block.replace("192.0.2.11", f"{net}.1").replace("192.0.2.", f"{net}.")
    return blocks


@scenario
def the_manual_of_the_health_checks_says_what_is_so(cluster):
    """Its commands, requests, and examples for HAProxy, Prometheus and systemd, as they stand there."""
    host_require("curl", "haproxy", "promtool")
    blocks = manual_blocks(cluster)
    tried = dict.fromkeys(("commands", "requests", "haproxy", "prometheus", "sockets"), 0)
    try:
        for block in blocks:
            if block.startswith("# "):
                tried["commands"] += 1
                cluster.on_all(lambda node: node.run("systemctl stop 'mainstay-health*'"))
                if "systemctl stop" in block:    # where it serves already
                    cluster.on_all(lambda node: node.run(["systemctl", "start", "mainstay-health.socket"]))
                    assert all(ask(node)[0] == 200 for node in cluster.nodes())
                for line in block.splitlines():
                    cluster.on_all(lambda node: node.run(line.removeprefix("# ")))
                for node in cluster.nodes():
                    assert ask(node)[0] == 200
                    # No port is open but those that somebody asked for.
                    for socket, port in zip(SOCKETS, (HEALTH, AGENT, AGENT + 1)):
                        assert (network_answers(node.address, port) == "open") == (f" {socket}" in block), f"{block}: {port}"
            elif block.startswith("$ curl "):
                tried["requests"] += 1
                command, _, expected = block.removeprefix("$ ").partition("\n")
                said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=10).stdout
                assert said == expected, f"{command}: {said!r}"
            elif block.startswith("backend "):
                tried["haproxy"] += 1
                with Balancer(cluster.nodes(), more=block) as balancer:
                    balancer.wait_all_up(*re.findall(r"^backend (\S+)$", block, re.MULTILINE))
            elif block.startswith("scrape_configs:"):
                tried["prometheus"] += 1
                with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                    file.write(block)
                    file.flush()
                    done = subprocess.run(["promtool", "check", "config", file.name], capture_output=True, text=True)
                    assert done.returncode == 0, done
            elif block.startswith("[Socket]"):
                tried["sockets"] += 1
                try_dropin(cluster.node("db1"), block)
            else:
                raise AssertionError(f"an example of a kind that is not tried: {block}")
    finally:
        cluster.on_all(lambda node: node.run("systemctl disable --now mainstay-health.socket mainstay-health-write.socket mainstay-health-read.socket mainstay-health.service", check=False))
    assert all(tried.values()), tried


def try_dropin(node, text):
    """The socket with these lines answers where they say, and as before without them."""
    port = re.search(r"ListenStream=\S+:(\d+)", text)
    restart = "systemctl daemon-reload; systemctl restart mainstay-health.socket"
    node.run(f"mkdir -p {DROPIN}; cat > {DROPIN}/example.conf; {restart}", input=text)
    try:
        assert node.run(["systemctl", "show", "--value", "--property=LoadState", "mainstay-health.socket"]).stdout == "loaded\n"
        assert ask(node, port=int(port[1]) if port else None)[0] == 200
        assert not port or ask(node)[0] is None, "it still answers at the old port"
    finally:
        node.run(f"rm -r {DROPIN}; {restart}")
    assert ask(node)[0] == 200


@scenario(kind=Service)
def writes_go_to_the_primary_and_reads_to_those_that_keep_up(service):
    """By HTTP alone HAProxy finds the primary; a replica whose replication is stopped, or that is
    shunned, gets no reads."""
    primary, replica = service.node("db1"), service.node("db2")
    with served(service, primary) as balancer, Traffic(balancer) as traffic:
        for node in service.nodes():
            balancer.wait("write", node.name, "UP" if node is primary else "DOWN", timeout=60)
            balancer.wait("read", node.name, "UP", timeout=60)
        service.wait(lambda: {balancer.who("read") for _ in range(6)} == set(service.names()), "reads to go to all", interval=0.5)
        traffic.wait_accepted(time.monotonic(), PATIENT)
        began = time.monotonic()
        assert obstacle(replica, "/write") == "replica"
        replica.rows(service.flavour.stop)
        wait_told(service, replica, "replication", page="/read")
        balancer.wait("read", "db2", "DOWN")
        assert "db2" not in {balancer.who("read") for _ in range(6)}
        service.lab.follow(replica)
        balancer.wait("read", "db2", "UP")
        replica.run(["mainstayctl", "shun", "db2"])
        wait_told(service, replica, "shunned", page="/read")
        balancer.wait("read", "db2", "DOWN")
        replica.run(["mainstayctl", "online", "db2"], timeout=PATIENT)
        balancer.wait("read", "db2", "UP")
        primary.run(["mainstayctl", "shun", "db1"])
        wait_told(service, primary, "shunned")
        balancer.wait("write", "db1", "DOWN")
        primary.run(["mainstayctl", "online", "db1"])
        balancer.wait("write", "db1", "UP")
        traffic.wait_accepted(time.monotonic(), PATIENT)
        assert traffic.takers(began) == {"db1"}, traffic.takers(began)
    traffic.stop()
    service.check()

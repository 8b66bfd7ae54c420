"""Who may do what on the bus: everything that is there, tried by everybody; and a bus
that begins anew, or has no polkit."""

import json
import re
import shlex
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from cluster import PATIENT
from doubt import main_pid
from scenario import scenario

AGENT = "org.mainstay1"
STANDARD = "org.freedesktop.DBus"
MANUAL = Path(__file__).parents[2] / "agent/edge/org.mainstay1.5.scd"
RULE = "etc/polkit-1/rules.d/60-mainstay.rules"

# "bus": its policy lets nobody of that account say it. "polkit": the agent asks, and says
# no. "may": it is let through, whatever comes of it. A call that has arguments has them
# in CALLS; a property is read.
TABLE = """
                            nobody  dba     mysql   mainstay  mainstay-peer  root
Node.Bootstrap              polkit  polkit  polkit  polkit    bus            may
Node.CancelJob              polkit  may     polkit  polkit    bus            may
Node.Explain                may     may     may     may       bus            may
Node.Join                   polkit  may     polkit  polkit    bus            may
Node.ListJobs               may     may     may     may       bus            may
Node.Look                   may     may     may     may       bus            may
Node.Operate(shun)          polkit  may     polkit  polkit    bus            may
Node.Operate(nothing)       polkit  may     polkit  polkit    bus            may
Node.Operate(provision)     polkit  polkit  polkit  polkit    bus            may
Node.PlanWithout            may     may     may     may       bus            may
Node.Recover                polkit  polkit  polkit  polkit    bus            may
Node.Reload                 polkit  may     polkit  polkit    bus            may
Node.SetPolicy              polkit  may     polkit  polkit    bus            may

Node.History                may     may     may     may       bus            may
Node.Job                    may     may     may     may       bus            may
Node.Marks                  may     may     may     may       bus            may
Node.Mysqld                 may     may     may     may       bus            may
Node.Name                   may     may     may     may       bus            may
Node.Peers                  may     may     may     may       bus            may
Node.Plan                   may     may     may     may       bus            may
Node.Policy                 may     may     may     may       bus            may
Node.Position               may     may     may     may       bus            may
Node.Reason                 may     may     may     may       bus            may
Node.Report                 may     may     may     may       bus            may
Node.SafeToBootstrap        may     may     may     may       bus            may
Node.State                  may     may     may     may       bus            may
Node.Version                may     may     may     may       bus            may
Node.View                   may     may     may     may       bus            may
Node.Waiting                may     may     may     may       bus            may

Peer.Claim                  bus     bus     bus     bus       may            may
Peer.Describe               bus     bus     bus     bus       may            may
Peer.GetReport              bus     bus     bus     bus       may            may
Peer.Hello                  bus     bus     bus     bus       may            may
Peer.Operate                bus     bus     bus     bus       may            may

Gate.Enter                  bus     bus     may     bus       bus            may
Gate.Permit                 bus     bus     bus     bus       bus            may

DBus.Introspectable.Introspect  may may     may     may       bus            may
DBus.Peer.GetMachineId      bus     bus     bus     bus       bus            may
DBus.Peer.Ping              bus     bus     bus     bus       bus            may
DBus.Properties.Get         may     may     may     may       bus            may
DBus.Properties.GetAll      may     may     may     may       bus            may
DBus.Properties.Set         bus     bus     bus     bus       bus            may
"""

# Where they are let through, these change nothing.
CALLS = {
    "Node.Bootstrap": "array:string:db1 array:string:nothing boolean:false",
    "Node.CancelJob": "uint64:99999999",
    "Node.Join": "string:db9 boolean:false",
    "Node.Operate(shun)": """string: string:shun string:'{"dry_run": true}'""",
    "Node.Operate(nothing)": "string: string:nothing string:",
    "Node.Operate(provision)": """string: string:provision string:'{"dry_run": true}'""",
    "Node.PlanWithout": "array:string:db9",
    "Node.Recover": "array:string:nothing boolean:true boolean:false",
    "Node.SetPolicy": "string:nothing",
    "Peer.Claim": "string:nothing",
    "Peer.Hello": "string:db9",
    "Peer.Operate": "string:nothing string: string:nobody",
    # Longer than any that systemd gives a start: it is no start.
    "Gate.Enter": f"string:{'x' * 64} array:string:nothing",
    "DBus.Properties.Get": f"string:{AGENT}.Node string:State",
    "DBus.Properties.GetAll": f"string:{AGENT}.Node",
    "DBus.Properties.Set": f"string:{AGENT}.Node string:State variant:string:ONLINE",
}

# So many seconds the gate waits for an agent, each time that it goes.
AGENT_PATIENCE = 15

# Of the bus itself, what arrives from another node cannot do without.
OF_THE_BUS = {"DBus.Hello", "DBus.AddMatch", "DBus.RemoveMatch"}

# What systemd-stdio-bridge answers itself, and hands on to nobody.
OF_THE_BRIDGE = {"DBus.Peer.Ping", "DBus.Peer.GetMachineId"}

# The ways to be refused, and to be heard.
REFUSED = re.compile(r"^Error \S+\.AccessDenied: Rejected send message", re.MULTILINE)
NOT_ALLOWED = re.compile(r"^Error \S+\.(AccessDenied|InteractiveAuthorizationRequired): polkit", re.MULTILINE)
HEARD = re.compile(r"^method return|^Error (org\.mainstay1\.Error\.\w+|org\.freedesktop\.DBus\.Error\."
                   r"(InvalidArgs|PropertyReadOnly|UnknownObject|UnknownInterface|UnknownMethod|UnknownProperty|Failed)):",
                   re.MULTILINE)

# As an agent comes to another: its key, and what it may start there.
DOOR = "unixexec:path=ssh," + ",".join(f"argv{at}={word}" for at, word in enumerate([
    "-oBatchMode%3dyes", "-oControlMaster%3dauto", "-oControlPath%3d/tmp/rights-%25C", "-oControlPersist%3d5",
    "-oUserKnownHostsFile%3d/var/lib/mainstay/ssh/known_hosts", "-i", "/var/lib/mainstay/ssh/id_ed25519",
    "mainstay-peer%40{host}", "systemd-stdio-bridge"], 1))


class Table(dict):
    """{row: {account: what is to come of it}}"""

    def __init__(self, text):
        head, *rows = filter(None, map(str.split, text.splitlines()))
        super().__init__((name, dict(zip(head, cells))) for name, *cells in rows)
        self.accounts = head


EXPECTED = Table(TABLE)


def short_name(full):
    return full.replace(STANDARD, "DBus") if full.startswith(STANDARD) else full[len(AGENT) + 1:]


class Offered:
    """What a name on the bus offers, as root is told by itself: objects, with their
    methods and properties."""

    def __init__(self, node, name):
        self.methods, self.properties = {}, {}
        left = ["/"]
        while left:
            path = left.pop()
            answer = node.run(["busctl", "call", "--json=short", name, path, f"{STANDARD}.Introspectable", "Introspect"]).stdout
            root = ElementTree.fromstring(json.loads(answer)["data"][0])
            left += [f"{path.rstrip('/')}/{child.get('name')}" for child in root.findall("node")]
            for interface in root.findall("interface"):
                for kind, members in (("method", self.methods), ("property", self.properties)):
                    for member in interface.findall(kind):
                        members.setdefault(f"{interface.get('name')}.{member.get('name')}", []).append(path)


def words_of(destination, path, member, arguments="", bus="--system"):
    return f"dbus-send {bus} --print-reply --reply-timeout=20000 --dest={destination} {path} {member} {arguments} 2>&1"


def calls_of(offered, bus="--system"):
    """[(row of the table, path, command line)] for everything that is offered; what has no
    row in the table, and what is in the table alone, fails."""
    methods = {}
    for row in EXPECTED:
        methods.setdefault(row.partition("(")[0], []).append(row)
    there = {short_name(full) for full in [*offered.methods, *offered.properties]}
    assert there == set(methods), f"not in the table, or in it alone: {sorted(there ^ set(methods))}"
    calls = [(row, path, words_of(AGENT, path, full, CALLS.get(row, ""), bus))
             for full, paths in offered.methods.items() for path in paths for row in methods[short_name(full)]]
    calls += [(short_name(full), path, words_of(AGENT, path, f"{STANDARD}.Properties.Get", f"string:{full.rpartition('.')[0]} string:{full.rpartition('.')[2]}", bus))
              for full, paths in offered.properties.items() for path in paths]
    return calls


def what_came_of(node, account, calls):
    """{(row, path): bus, polkit or may} of these calls, said by this account."""
    script = "\n".join(f"echo '#' {shlex.quote(row)} {path}\n{words}" for row, path, words in calls)
    said = node.run(["runuser", "-u", account, "--", "sh"], input=script, check=False, timeout=600).stdout
    came = {}
    for part in said.split("\n# ") if said.startswith("# ") else []:
        (row, path), text = part.removeprefix("# ").split("\n", 1)[0].split(), part
        came[row, path] = "bus" if REFUSED.search(text) else "polkit" if NOT_ALLOWED.search(text) else "may" if HEARD.search(text) else text
    assert len(came) == len(calls), said
    return came


def check_table(node, account, column, calls):
    """What came of the calls is what the table says of this column."""
    wrong = [f"{row} at {path}: {came}, not {EXPECTED[row][column]}"
             for (row, path), came in what_came_of(node, account, calls).items() if came != EXPECTED[row][column]]
    assert not wrong, "\n".join([f"as {column}:", *wrong])


@contextmanager
def a_dba(cluster, node):
    """An account in the group of those who operate, by the rule that the manual shows."""
    rule = re.search(r"<<END\n(polkit\.addRule.*?)END\n", MANUAL.read_text(), re.DOTALL).group(1)
    node.run("groupadd --system dba; useradd --system --groups dba dba --gid nogroup")
    try:
        node.path(RULE).write_text(rule)
        # polkit looks for rules by itself, when it has come to it.
        cluster.wait(lambda: "method return" in node.run(["runuser", "-u", "dba", "--", "sh"], check=False,
                                                         input=words_of(AGENT, "/org/mainstay1", f"{AGENT}.Node.Reload")).stdout,
                     "the rule of the manual to let a dba operate")
        yield
    finally:
        node.path(RULE).unlink(missing_ok=True)
        node.run("userdel dba; groupdel dba", check=False)


@scenario
def everybody_may_do_what_the_table_says_and_no_more(cluster):
    """Every method and property of every object, tried by every kind of account: what is
    new, and in no table, fails."""
    node = cluster.node("db1")
    calls = calls_of(Offered(node, AGENT))
    with a_dba(cluster, node):
        for account in EXPECTED.accounts:
            check_table(node, account, account, calls)
    # Nothing came of what was let through.
    assert cluster.ask("db1", "status")["policy"]["name"] == "automatic"
    cluster.check()


@scenario
def what_comes_from_another_node_reaches_its_interface_and_nothing_else(cluster):
    """Through ssh, with the key of a node: of the agent as the table says, and nothing of
    the bus, of systemd, or of anybody else who is on it."""
    node, there = cluster.node("db1"), cluster.node("db2")
    door = f"--bus={DOOR.format(host='db2')}"
    check_table(node, "mainstay", "mainstay-peer",
                [call for call in calls_of(Offered(there, AGENT), bus=door) if call[0] not in OF_THE_BRIDGE])

    calls = [(short_name(full), path, words_of(STANDARD, path, full, bus=door))
             for full, paths in Offered(there, STANDARD).methods.items() for path in paths if short_name(full) not in OF_THE_BRIDGE]
    for (member, path), came in what_came_of(node, "mainstay", calls).items():
        assert (came == "bus") == (member not in OF_THE_BUS), f"{member} of the bus at {path}: {came}"

    names = {name for name in there.run("busctl list --no-legend | awk '{print $1}'").stdout.split() if not name.startswith(":")}
    assert "org.freedesktop.systemd1" in names and "org.freedesktop.PolicyKit1" in names, names
    calls = [(name, "/", words_of(name, "/", f"{STANDARD}.Introspectable.Introspect", bus=door)) for name in sorted(names - {AGENT})]
    came = what_came_of(node, "mainstay", calls)
    assert set(came.values()) == {"bus"}, came


@scenario
def what_comes_from_another_node_hears_its_interface_and_nothing_else(cluster):
    """The agent tells it of changes, and the bus who comes and goes; what others are told
    is not for its ears, and what it says itself nobody hears."""
    node = cluster.node("db1")
    peer, other = "mainstay-peer", "nobody"
    ears = [node.spawn(f"exec runuser -u {account} -- stdbuf --output=L dbus-monitor --system > /root/heard-by-{account}")
            for account in (peer, other)]

    def heard(account):
        """What it has heard by now of this: both say something, and the agent tells of changes."""
        for speaker in (peer, other):
            node.run(["runuser", "-u", speaker, "--", "dbus-send", "--system", "--type=signal", f"/from/{speaker.replace('-', '_')}", "org.example.Said"])
        for policy in ("manual", "automatic"):
            node.run(["mainstayctl", "policy", policy])
        return node.run(["cat", f"/root/heard-by-{account}"]).stdout

    try:
        for account in (peer, other):
            cluster.wait(lambda: "member=Changed" in heard(account), f"{account} to hear of a change")
        cluster.wait(lambda: "/from/nobody" in heard(other), "others to be heard")
        assert "/from/mainstay_peer" not in heard(other), "it is heard by others"
        said = heard(peer)
        assert "/from/" not in said and "PropertiesChanged" not in said, said
    finally:
        node.run("pkill -x dbus-monitor; rm -f /root/heard-by-*; mainstayctl policy automatic")
        for ear in ears:
            ear.communicate()


@scenario
def a_bus_that_begins_anew_is_come_back_to(cluster):
    """systemctl restart dbus, while the server runs, and while a start waits at the gate:
    the agent is there again, the server is not disturbed, and the wait goes on."""
    node = cluster.node("db1")
    server, agent = main_pid(node, "mariadb"), main_pid(node, "mainstayd")
    with cluster.ledger:
        restart_bus(cluster, node, agent)
        cluster.write_some(through="db1")
    assert main_pid(node, "mariadb") == server
    cluster.check()

    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    cluster.lab.stop("db3")
    cluster.start_by_hand("db1", "db2")
    cluster.wait(lambda: "Waiting for db3" in cluster.status_line("db1"), "db1's start to wait for db3")
    for _ in range(2):
        restart_bus(cluster, node, main_pid(node, "mainstayd"))
        cluster.wait(lambda: "Waiting for db3" in cluster.status_line("db1"), "db1's start to wait for db3 again")
        cluster.check_nobody_led(AGENT_PATIENCE)
    cluster.lab.boot("db3")
    cluster.wait_synced()
    cluster.check_led("db3")
    assert "does not answer" not in cluster.said("db1", "mariadb"), "the gate has lost its patience"
    cluster.check()


def restart_bus(cluster, node, agent):
    node.run("systemctl restart dbus", check=False)
    cluster.wait(lambda: main_pid(node, "mainstayd") not in ("0", agent), "a new agent")
    cluster.wait(lambda: cluster.state(node.name), "the agent to answer")


@contextmanager
def no_polkit(node):
    """As where it is not installed: nobody has the name, and nothing would start it."""
    service = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    node.run(f"mv {service} /root/; systemctl reload dbus; systemctl mask --runtime --now polkit")
    try:
        yield
    finally:
        node.run(f"mv /root/{Path(service).name} {service}; systemctl reload dbus; systemctl unmask --runtime polkit; systemctl start polkit")


@scenario
def without_polkit_root_may_do_all_and_everybody_else_is_told(cluster):
    """The agent cannot start the server then, and says so; by hand it starts, through the gate."""
    node = cluster.node("db1")
    calls = calls_of(Offered(node, AGENT))
    with a_dba(cluster, node), no_polkit(node):
        check_table(node, "root", "root", calls)
        asked = [call for call in calls if EXPECTED[call[0]]["dba"] != "bus" and call[0] in ("Node.SetPolicy", "Node.ListJobs", "Node.Recover")]
        assert set(what_came_of(node, "dba", asked).values()) == {"polkit"}
        said = node.run(["runuser", "-u", "dba", "--", "mainstayctl", "policy", "manual"], check=False)
        assert said.returncode != 0 and "polkit" in said.stderr and "only root may" in said.stderr, said
        assert node.run(["runuser", "-u", "dba", "--", "mainstayctl", "status"]).returncode == 0
        assert polkit_step(cluster) == "missing"

        node.run(["systemctl", "stop", "mariadb"], timeout=PATIENT)
        joining = node.spawn(["mainstayctl", "join"])
        try:
            cluster.wait_said("db1", "polkit")
            node.run(["systemctl", "start", "mariadb"], timeout=PATIENT)
            cluster.wait_synced()
        finally:
            joining.kill()
            joining.communicate()

        # After a crash the agent cannot ask for the position, and somebody else has to.
        with cluster.ledger:
            node.run(["systemctl", "kill", "--signal=KILL", "mariadb"])
            cluster.wait_said("db1", "type there: systemctl start mainstay-recover")
            cluster.write_some(through="db2")
            node.run(["systemctl", "start", "mainstay-recover"], timeout=PATIENT)
            cluster.write_some(through="db1")
        assert "IST received" in cluster.said("db1", "mariadb")
    assert polkit_step(cluster) == "already so"
    cluster.check()


def polkit_step(cluster):
    return {step["step"]: step["state"] for step in cluster.ask("db1", "setup", "--check")["steps"]}["polkit"]

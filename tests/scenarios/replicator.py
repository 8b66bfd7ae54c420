"""mainstay-replicator on real servers, as the agent runs it: each verb by its
answer and by the server's own word."""

import errno
import json

import breakage
from lablib.flavour import REPLICATION_PASSWORD, REPLICATION_USER, MariaDB, MySQL
from lablib.host import host_run

from cluster import PATIENT
from replication import Replicas
from scenario import scenario

PROGRAM = "/usr/libexec/mainstay/mainstay-replicator"
CREDENTIALS = "/var/tmp/replication.cnf"
SOCKET = "/run/mysqld/mysqld.sock"

# What would end a literal, a comment or a line of an option file.
NASTY = "a'b\\c\" ;#d%s"

DENIED = 1045
LOCKED = 1205
NOT_IN_BINLOG = 1236


def scenario_of_replicator(function):
    return scenario(function, kind=Replicas)


def ask(replicas, name, *words, account=None, timeout="5000"):
    """What the program answers when the agent's user runs it; `account` is a user and a password."""
    node = replicas.node(name)
    options = ["--socket", SOCKET, "--user", "mainstay", "--timeout", timeout]
    if account:
        write_credentials(node, *account)
        options += ["--credentials", CREDENTIALS]
    done = node.run(["runuser", "-u", "mainstay", "--", PROGRAM, *options, *map(str, words)],
                    check=False, timeout=PATIENT)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1), (done, answer)
    assert not account or account[1] not in done.stdout + done.stderr, done
    return answer


def do(replicas, name, *words, **options):
    answer = ask(replicas, name, *words, **options)
    assert answer["ok"], (words, answer)
    return {key: value for key, value in answer.items() if key != "ok"}


def refuse(replicas, name, number, *words, **options):
    answer = ask(replicas, name, *words, **options)
    assert not answer["ok"] and answer["errno"] == number, (words, answer)
    return answer["error"]


def write_credentials(node, user, password):
    file = node.path(CREDENTIALS)
    quoted = password.replace("\\", "\\\\").replace(" ", "\\s")
    file.write_text(f'[client]\nuser = {user}\npassword = "{quoted}"\n')
    node.run(f"chown mainstay: {CREDENTIALS}; chmod 0600 {CREDENTIALS}")


def rows(replicas, name):
    """The rows of its status, by the names that MariaDB and MySQL of old give to the columns."""
    said = replicas.node(name).records("SHOW ALL SLAVES STATUS" if replicas.flavour is MariaDB else "SHOW REPLICA STATUS")
    return [{key.replace("Source_", "Master_").replace("Replica_", "Slave_"): value for key, value in row.items()}
            for row in said]


def threads(replicas, name):
    return [(row["Slave_IO_Running"], row["Slave_SQL_Running"]) for row in rows(replicas, name)]


def fence(replicas, name):
    return replicas.node(name).sql("SELECT @@read_only" + (", @@super_read_only" if replicas.flavour is MySQL else ""))


def follow_as_well(replicas, name, source):
    """A second source of a node, by a channel that has a name."""
    change = replicas.flavour.follow(source)
    if replicas.flavour is MariaDB:
        change = change.replace("CHANGE MASTER", "CHANGE MASTER 'extra'")
        replicas.node(name).rows(f"{change}; START SLAVE 'extra'")
    else:
        replicas.node(name).rows(f"{change} FOR CHANNEL 'extra'; START REPLICA FOR CHANNEL 'extra'")


@scenario_of_replicator
def the_replicator_stops_starts_and_forgets_all_channels(replicas):
    """Each may be said twice; where nothing is configured there is nothing to start, and nothing takes a GTID."""
    executed = replicas.flavour.executed(replicas.node("db2"))
    follow_as_well(replicas, "db2", "db3")
    replicas.wait(lambda: threads(replicas, "db2") == [("Yes", "Yes")] * 2, "db2 to follow two sources")
    refuse(replicas, "db2", errno.EBUSY, "forget")
    assert threads(replicas, "db2") == [("Yes", "Yes")] * 2
    for _ in range(2):
        assert do(replicas, "db2", "stop") == {}
        assert threads(replicas, "db2") == [("No", "No")] * 2
    for _ in range(2):
        said = do(replicas, "db2", "start")
        assert said["applier"] == "running" and said["receiver"] in ("connecting", "running"), said
    replicas.wait(lambda: threads(replicas, "db2") == [("Yes", "Yes")] * 2, "db2 to follow two sources again")
    assert do(replicas, "db2", "start") == {"receiver": "running", "applier": "running"}
    do(replicas, "db2", "stop")
    for _ in range(2):
        assert do(replicas, "db2", "forget") == {}
        assert rows(replicas, "db2") == []
    do(replicas, "db2", "stop")
    refuse(replicas, "db2", errno.ENOENT, "start")
    assert replicas.flavour.executed(replicas.node("db2")) == executed
    replicas.mend("db2")


@scenario_of_replicator
def the_replicator_tells_what_ails_the_threads(replicas):
    """A password that the source does not take, and then another: told, and mended by `follow` with the right one."""
    breakage.mistake_password(replicas, "db3")
    replicas.wait_says("db3", io="Connecting", io_errno=DENIED)
    said = do(replicas, "db3", "start")
    assert said["receiver"] == "connecting" and said["receiver_errno"] == DENIED and said["applier"] == "running", said
    assert REPLICATION_USER in said["receiver_error"] and len(said["receiver_error"]) < 512, said
    do(replicas, "db3", "stop")
    # By the same account nothing would be changed, if it had not been refused.
    assert do(replicas, "db3", "follow", "db1", 3306) == {"changed": False}
    good = (REPLICATION_USER, REPLICATION_PASSWORD)
    assert do(replicas, "db3", "follow", "db1", 3306, account=good) == {"changed": True}
    do(replicas, "db3", "start")
    replicas.wait_replicated("db3")
    do(replicas, "db3", "stop")
    assert do(replicas, "db3", "follow", "db1", 3306, account=good) == {"changed": False}
    do(replicas, "db3", "start")
    replicas.wait_replicated("db3")


@scenario_of_replicator
def the_replicator_sets_read_only_and_looks(replicas):
    """On and off, twice each; while a table is locked the server gives up, and does not do it later by itself."""
    on, off = ("1", "0") if replicas.flavour is MariaDB else ("1\t1", "0\t0")
    executed = replicas.flavour.executed(replicas.node("db2"))
    for word, said, flag in (("off", off, False), ("on", on, True)):
        for _ in range(2):
            assert do(replicas, "db2", "read-only", word) == {"read_only": flag}
            assert fence(replicas, "db2") == said
    assert replicas.flavour.executed(replicas.node("db2")) == executed
    do(replicas, "db2", "stop")
    do(replicas, "db2", "read-only", "off")
    with replicas.node("db2").client() as client:
        client.query("LOCK TABLES lab.ledger WRITE")
        refuse(replicas, "db2", LOCKED, "read-only", "on", timeout="3000")
        assert fence(replicas, "db2") == off
    replicas.wait(lambda: do(replicas, "db2", "connections") == {"clients": 0}, "the client to be gone")
    assert fence(replicas, "db2") == off
    do(replicas, "db2", "read-only", "on")
    do(replicas, "db2", "start")


@scenario_of_replicator
def the_replicator_follows_by_gtid(replicas):
    """Another source, another account, none at all: what is changed is what the server then says, and no more."""
    flavour, account = replicas.flavour, ("nasty", NASTY)
    replicas.primary().rows(
        "CREATE USER 'nasty'@'%' IDENTIFIED {} '{}'; GRANT REPLICATION SLAVE ON *.* TO 'nasty'@'%'".format(
            flavour.with_password, NASTY.replace("\\", "\\\\").replace("'", "\\'")))
    replicas.wait_replicated()
    executed = flavour.executed(replicas.primary())

    before = rows(replicas, "db2")
    assert "not stopped" in refuse(replicas, "db2", errno.EBUSY, "follow", "db3", 3306)
    do(replicas, "db2", "stop")
    do(replicas, "db2", "read-only", "off")
    assert "read_only" in refuse(replicas, "db2", errno.EPERM, "follow", "db3", 3306)
    do(replicas, "db2", "read-only", "on")
    assert [row["Master_Host"] for row in rows(replicas, "db2")] == ["db1"]

    assert do(replicas, "db2", "follow", "db1", 3306) == {"changed": False}
    assert do(replicas, "db2", "follow", "db3", 3306) == {"changed": True}
    assert do(replicas, "db2", "follow", "db3", 3306) == {"changed": False}
    after, = rows(replicas, "db2")
    assert (after["Master_Host"], after["Master_Port"], after["Master_User"]) == ("db3", "3306", before[0]["Master_User"])
    assert after["Connect_Retry"] == "1", after  # what a person has set
    assert (after["Using_Gtid"] == "Slave_Pos") if flavour is MariaDB else (after["Auto_Position"] == "1"), after
    do(replicas, "db2", "start")
    replicas.wait_says("db2", io="Yes", sql="Yes")

    do(replicas, "db2", "stop")
    assert do(replicas, "db2", "follow", "db1", 3306, account=account) == {"changed": True}
    assert rows(replicas, "db2")[0]["Master_User"] == "nasty"
    do(replicas, "db2", "start")
    replicas.wait_replicated("db2")

    do(replicas, "db2", "stop")
    do(replicas, "db2", "forget")
    assert "mainstayctl setup" in refuse(replicas, "db2", errno.ENOKEY, "follow", "db1", 3306)
    assert rows(replicas, "db2") == []
    assert do(replicas, "db2", "follow", "db1", 3306, account=account) == {"changed": True}
    fresh, = rows(replicas, "db2")
    assert fresh["Connect_Retry"] == "5" and fresh.get("Master_Retry_Count", "4294967295") == "4294967295", fresh
    do(replicas, "db2", "start")
    replicas.wait_replicated("db2")
    assert flavour.executed(replicas.node("db2")) == executed
    replicas.check()
    do(replicas, "db2", "stop")
    if flavour is MySQL:
        # 32 characters are all that it takes.
        said = ask(replicas, "db2", "follow", "db3", 3306, account=("nasty", "long" * 10))
        assert not said["ok"] and "longlong" not in said["error"], said
        assert rows(replicas, "db2")[0]["Master_Host"] == "db1"
    else:
        # The other position would begin at what this node wrote itself.
        replicas.node("db2").rows("CHANGE MASTER TO MASTER_USE_GTID = current_pos")
        assert do(replicas, "db2", "follow", "db1", 3306) == {"changed": True}
        assert rows(replicas, "db2")[0]["Using_Gtid"] == "Slave_Pos"
    do(replicas, "db2", "start")
    replicas.wait_replicated("db2")


@scenario_of_replicator
def the_replicator_makes_a_replica_of_a_primary(replicas):
    """The roles change hands; the old primary goes on where it stopped writing, also where its server_id is another by now."""
    lab, good = replicas.lab, (REPLICATION_USER, REPLICATION_PASSWORD)
    with replicas.ledger:
        replicas.write_some()
    replicas.wait_replicated()
    last = replicas.flavour.executed(replicas.node("db1"))
    do(replicas, "db1", "read-only", "on")
    for node in lab.replicas():
        node.rows(replicas.flavour.stop)
    lab.promote(replicas.node("db2"))
    lab.follow(replicas.node("db3"))
    if replicas.flavour is MariaDB:
        replicas.node("db1").rows("SET GLOBAL server_id = 101")
    assert do(replicas, "db1", "follow", "db2", 3306, "demote", account=good) == {"changed": True}
    assert do(replicas, "db1", "follow", "db2", 3306, "demote", account=good) == {"changed": False}
    if replicas.flavour is MariaDB:
        assert replicas.node("db1").sql("SELECT @@gtid_slave_pos") == last
        replicas.node("db1").rows("SET GLOBAL server_id = 1")
    do(replicas, "db1", "start")
    replicas.ledger = lab.ledger()
    with replicas.ledger:
        replicas.write_some()
    replicas.wait_replicated()
    lab.check_tables()


@scenario_of_replicator
def the_replicator_waits_for_gtids(replicas):
    """As long as it is told, and not at all for 0 seconds; what is no GTID of such a server is refused."""
    do(replicas, "db3", "stop")
    with replicas.ledger:
        replicas.write_some()
    gtids = replicas.flavour.executed(replicas.primary())
    assert do(replicas, "db3", "wait", gtids, 0) == {"reached": False}
    assert do(replicas, "db3", "wait", gtids, 1) == {"reached": False}
    do(replicas, "db3", "start")
    # Longer than the deadline of other statements.
    assert do(replicas, "db3", "wait", gtids, 30, timeout="1000") == {"reached": True}
    assert do(replicas, "db3", "wait", gtids, 0) == {"reached": True}
    other = "0-1-5" if replicas.flavour is MySQL else "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
    refuse(replicas, "db3", errno.EINVAL, "wait", other, 1)
    do(replicas, "db3", "stop")
    nowhere = gtids.rsplit("-", 1)[0] + "-99999999"
    assert do(replicas, "db3", "wait", nowhere, 2, timeout="1000") == {"reached": False}
    do(replicas, "db3", "start")


@scenario_of_replicator
def the_replicator_asks_a_source_for_the_very_position(replicas):
    """MariaDB's answers to what it has, had, never had and cannot tell; a replica that is connected does not notice."""
    good = (REPLICATION_USER, REPLICATION_PASSWORD)
    if replicas.flavour is MySQL:
        assert do(replicas, "db3", "preflight", "db1", 3306, "") == {"asked": False, "errno": 0}
        return

    def preflight(gtids, **options):
        said = do(replicas, "db3", "preflight", "db1", 3306, gtids, **{"account": good, **options})
        assert said.pop("asked"), said
        return said["errno"], said.get("error", "")

    def senders():
        return primary.rows("SELECT ID, HOST FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump' ORDER BY ID")

    primary, before = replicas.primary(), replicas.flavour.executed(replicas.node("db3"))
    with replicas.ledger:
        replicas.write_some()
    replicas.wait_replicated()
    connected = senders()
    now = replicas.flavour.executed(replicas.node("db3"))
    server = before.split("-")[1]
    assert preflight(now) == preflight(before) == preflight("") == (0, "")
    ahead, text = preflight(f"0-{server}-99999999")
    assert ahead == NOT_IN_BINLOG and "not in the master's binlog" in text and "extra erroneous" not in text, text
    extra, text = preflight("0-77-3")
    assert extra == NOT_IN_BINLOG and "extra erroneous transactions" in text, text
    assert "mainstayctl setup" in refuse(replicas, "db3", errno.ENOKEY, "preflight", "db1", 3306, now)
    denied, text = preflight(now, account=(REPLICATION_USER, "wrong"))
    assert denied == DENIED, text
    refuse(replicas, "db3", errno.EINVAL, "preflight", "db1", 3306, "0-1", account=good)
    assert senders() == connected

    do(replicas, "db3", "stop")
    primary.rows("INSERT INTO lab.ledger VALUES (-4, 'purged'); FLUSH BINARY LOGS")
    last = primary.records(replicas.flavour.binlog_status)[0]["File"]
    replicas.wait_replicated("db2")
    replicas.wait(lambda: primary.rows(f"PURGE BINARY LOGS TO '{last}'; SHOW BINARY LOGS")[0][0] == last,
                  "the primary to purge its old binary logs")
    purged, text = preflight(now)
    assert purged == NOT_IN_BINLOG and "Could not find GTID state requested by slave" in text, text
    assert replicas.flavour.executed(replicas.node("db3")) == now
    if primary.sql("SELECT @@have_ssl") == "YES":
        # A certificate that the server made itself, as 11.8 does, is nobody's.
        primary.rows(f"ALTER USER '{REPLICATION_USER}'@'%' REQUIRE SSL")
        assert preflight(replicas.flavour.executed(primary)) == (0, "")


@scenario_of_replicator
def the_replicator_counts_who_would_be_cut(replicas):
    """Clients alone: neither replicas nor threads of the server nor the agent's own."""
    for name in ("db1", "db2"):
        replicas.wait(lambda: do(replicas, name, "connections") == {"clients": 0}, f"nobody to be connected to {name}")
        with replicas.node(name).client(), replicas.node(name).client() as second:
            second.query("SELECT 1")
            assert do(replicas, name, "connections") == {"clients": 2}


@scenario_of_replicator
def setup_hands_the_account_to_the_agent(replicas):
    """Root's file, a credential that the agent's user can read and nobody else, and nothing the second time."""
    node, unit = replicas.node("db3"), replicas.flavour.unit
    dropin = "/etc/systemd/system/mainstayd.service.d/50-replication.conf"
    command = ["mainstayctl", "setup", "--json"]
    given = [*command, "--replication-user", REPLICATION_USER, "--replication-password-file", "-"]

    def steps(words, **options):
        said = json.loads(node.run(words, check=False, timeout=PATIENT, **options).stdout)["steps"]
        return [(step["state"], step["text"]) for step in said if step["step"] in ("account", "replication")]

    try:
        missing = steps([*command, "--check"])
        assert [state for state, _ in missing] == ["missing", "already so"], missing
        assert not node.path(dropin).exists()
        said = steps(given, input=REPLICATION_PASSWORD + "\n")
        assert [state for state, _ in said] == ["done", "done", "already so", "already so"], said
        assert node.run(["stat", "-c", "%a %U", "/etc/mainstay/replication.cnf"]).stdout == "600 root\n"
        again = steps(given, input=REPLICATION_PASSWORD)
        assert {state for state, _ in again} == {"already so"}, again
        assert {state for state, _ in steps([*command, "--check"])} == {"already so"}
        # As the agent's own process sees it.
        agent = node.run(["systemctl", "show", "-P", "MainPID", "mainstayd"]).stdout.strip()
        credential = "/run/credentials/mainstayd.service/replication.cnf"
        node.run(["runuser", "-u", "mysql", "--", "sh", "-c", f"! cat {credential}"])
        node.run(["nsenter", f"--target={agent}", "--mount", "runuser", "-u", "mainstay", "--", PROGRAM, "--socket", SOCKET,
                  "--user", "mainstay", "--credentials", credential, "stop"])
        node.run(["runuser", "-u", "mainstay", "--", PROGRAM, "--socket", SOCKET, "--user", "mainstay", "start"])
        # The file is gone: the agent would not start any more.
        node.path("/etc/mainstay/replication.cnf").unlink()
        assert [state for state, _ in steps(command)] == ["missing", "done", "already so"]
        node.run(["systemctl", "restart", "mainstayd"])
        # What an earlier release was given is too little.
        replicas.primary().rows("REVOKE RELOAD ON *.* FROM 'mainstay'@'localhost'")
        replicas.wait_replicated("db3")
        assert any(state == "missing" and "lacks RELOAD" in text for state, text in steps([*command, "--check"]))
        replicas.primary().rows("GRANT RELOAD ON *.* TO 'mainstay'@'localhost'")
    finally:
        node.run(f"systemctl disable --now mainstayd; rm -f /etc/mainstay/replication.cnf {dropin} "
                 f"/etc/mainstay/units/{unit}.conf; systemctl daemon-reload", check=False, timeout=PATIENT)


@scenario(kind=Replicas, images=["mysql-9.7"])
def setup_lets_a_confined_server_do_what_is_asked_of_it(replicas):
    """Debian confines MySQL: among the administrator's own rules, once, and beside those of a person."""
    node = replicas.node("db3")
    own = "  /srv/reports/** rw,\n"
    rules = node.path("etc/apparmor.d/local/usr.sbin.mysqld")
    before = rules.read_text().partition("# Mainstay: begin")[0]
    try:
        rules.write_text(before + own)
        for expected in ("done", "already so"):
            said = json.loads(node.run(["mainstayctl", "setup", "--json"], check=False, timeout=PATIENT).stdout)["steps"]
            assert [step["state"] for step in said if step["step"] == "apparmor"] == [expected], said
            text = rules.read_text()
            assert text.startswith(before + own) and text.count("/var/lib/mysql.mainstay-new/** rwk,") == 1, text
        rules.write_text(text.replace("mainstay-new", "of-an-older-release"))
        node.run(["mainstayctl", "setup"], check=False, timeout=PATIENT)
        assert rules.read_text() == text
        assert confined(node) == ["/usr/sbin/mysqld"], "what the gate is, is not confined"
    finally:
        rules.write_text(before)


def confined(node):
    """The programs that the profile confines, as AppArmor itself understands it. There is
    none in the kernel of a lab: what it would do is not seen, but that it takes the rules."""
    return host_run("apparmor_parser", "--skip-kernel-load", "--skip-cache", "--quiet", "--names", "--base", node.path("etc/apparmor.d"),
                     "--Include", "/etc/apparmor.d", node.path("etc/apparmor.d/usr.sbin.mysqld")).split()

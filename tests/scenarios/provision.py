"""A replica that cannot go on gets a copy of another node's data, and is never worse off."""

import json
import re
from contextlib import nullcontext
from functools import wraps

import breakage
import interruption

from cluster import PATIENT
from lablib import LabError
from lablib.flavour import MariaDB
from replication import Service
from scenario import scenario

OLD = "var/lib/mysql.mainstay-old"
NEW = "var/lib/mysql.mainstay-new"


def scenario_of_copies(function):
    """There are rows to lose in each."""
    @wraps(function)
    def with_rows(service):
        with service.ledger:
            service.write_some()
        function(service)

    return scenario(with_rows, kind=Service)


def checksums(service, *names):
    """Of all tables of the ledger's database, on each node."""
    tables = [row[0] for row in service.node("db1").rows("SHOW TABLES IN lab")]
    statement = "CHECKSUM TABLE " + ", ".join(f"lab.{table}" for table in tables)
    return [service.node(name).rows(statement) for name in names]


def spoil(service, name):
    """What it lacks is purged."""
    breakage.purge_binlogs(service, name)
    service.wait_state(name, "FAILED")


def intact(service, name):
    """The old data serve, and nothing is left of the copy."""
    node = service.node(name)
    service.wait(lambda: service.of(name, seen_by=name)["components"]["server"]["state"] == "ONLINE", f"the server of {name} to be up")
    assert node.rows("SELECT COUNT(*) FROM lab.ledger WHERE n > 0")[0][0] != "0"
    left = node.run("ls -d /var/lib/mysql.* /srv/mysql.*; systemctl --quiet is-active mainstay-shadow && echo mainstay-shadow", check=False).stdout
    assert not left, left


def unharmed(service, name):
    """And it goes on to replicate what is written."""
    intact(service, name)
    service.wait_state(name, "ONLINE")
    with service.ledger:
        service.write_some()
    service.wait_replicated(name)


def check_restarted(service, name):
    """The old data are whole, also to a server that starts on them anew."""
    service.node(name).run(["systemctl", "restart", service.flavour.unit], timeout=PATIENT)
    service.wait_state(name, "ONLINE")
    service.check()


def persist(service, name):
    """What was set for good on a node, among it what a server beside it must not take over."""
    if service.flavour is not MariaDB:
        service.node(name).rows("SET PERSIST max_connections = 77, PERSIST event_scheduler = ON, PERSIST general_log = ON")


def check_persisted(service, name):
    """It is the node's, and comes along."""
    if service.flavour is not MariaDB:
        node = service.node(name)
        assert node.rows("SELECT @@max_connections, @@event_scheduler, @@general_log") == [["77", "ON", "1"]]
        said = node.run("journalctl -u mainstay-shadow --no-pager -o cat").stdout
        assert "ready for connections" in said, said
        node.rows("RESET PERSIST; SET GLOBAL max_connections = DEFAULT; SET GLOBAL general_log = OFF")


@scenario_of_copies
def a_replica_that_lacks_what_is_purged_is_provisioned(service):
    """From a named source, asked on another node; it catches up under writes, its old data are kept and then
    committed, and another replica can follow it."""
    spoil(service, "db2")
    persist(service, "db2")
    with service.ledger:
        service.write_some()
        said = service.ctl("db3", "provision", "db2", "--source", "db3")
        assert "db2 replicates from db1" in said or "is OFFLINE now" in said, said
        service.ctl("db1", "online", "db2")
        service.wait_state("db2", "ONLINE")
        service.write_some()
    service.check()
    one, two = checksums(service, "db1", "db2")
    assert one == two, f"{one}\n{two}"
    assert service.node("db2").path(OLD).is_dir()
    check_persisted(service, "db2")
    service.ctl("db1", "provision", "commit", "db2")
    assert not service.node("db2").path(OLD).exists()
    # The history came along: one that has all of it goes on from there.
    service.ctl("db1", "repoint", "db3", "db2", "--force", "primary")
    service.node("db1").rows("INSERT INTO lab.ledger VALUES (-7, 'by way of db2')")
    service.wait(lambda: service.node("db3").rows("SELECT COUNT(*) FROM lab.ledger WHERE n = -7")[0][0] == "1", "db3 to follow db2")
    service.ctl("db1", "repoint", "db3", "db1")
    service.ctl("db1", "online", "db3")
    service.check()


def identity(service, name):
    node = service.node(name)
    return node.rows("SELECT @@server_id"), service.flavour.executed(node)


@scenario_of_copies
def a_provisioned_replica_is_rolled_back(service):
    """The old data are in place again, as they were, and the copy is gone."""
    service.ctl("db1", "shun", "db2")
    before = identity(service, "db2")
    service.ctl("db2", "provision")
    assert service.node("db2").path(OLD).is_dir()
    said = service.ctl("db1", "provision", "db2", status=1)
    assert "provision commit" in said, said
    service.ctl("db1", "provision", "rollback", "db2")
    intact(service, "db2")
    assert identity(service, "db2") == before
    # A second time there is nothing, and no server is stopped to find that.
    running = service.node("db2").rows("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]
    said = service.ctl("db1", "provision", "rollback", "db2", status=1)
    assert "no data from before" in said, said
    assert int(service.node("db2").rows("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]) >= int(running)
    service.ctl("db1", "online", "db2")
    service.check()


@scenario_of_copies
def a_copy_whose_note_is_damaged_is_ended_by_a_person(service):
    """No job goes by it any more, and says what does: the old data are put back, or deleted, as with a whole one."""
    service.ctl("db1", "shun", "db2")
    for word in ("rollback", "commit"):
        service.ctl("db2", "provision")
        service.node("db2").run("truncate --size=10 /var/lib/mysql/MAINSTAY-COPY.json")
        said = service.ctl("db1", "provision", "db2", status=1)
        assert "MAINSTAY-COPY.json in mysql is damaged" in said and f"provision {word}" in said, said
        service.ctl("db1", "provision", word, "db2")
        intact(service, "db2")
    service.ctl("db1", "online", "db2")
    service.check()


@scenario_of_copies
def one_that_went_its_own_way_is_provisioned(service):
    """It took writes that nobody else has. Shunned, it is no primary, and gets a copy; what only it had is kept until commit."""
    node = service.node("db2")
    node.rows(f"{service.flavour.stop}; {service.flavour.forget}; SET GLOBAL read_only = OFF")
    node.rows("INSERT INTO lab.ledger VALUES (-9, 'only here')")
    service.wait(lambda: service.service("db1")["primary"]["verdict"] == "several", "two primaries to be seen")
    assert "exactly one active primary" in service.ctl("db1", "provision", "db2", status=1)
    service.ctl("db1", "shun", "db2")
    service.wait(lambda: service.service("db2")["primary"]["verdict"] == "one", "one primary to be seen")
    said = service.ctl("db1", "provision", "db2", "--source", "db1")
    saved = re.search(r"([0-9]+) transaction\(s\) that no other node has are saved, decoded, in (\S+)\.", said)
    assert saved and saved[1] == "1", said
    decoded = node.run(["cat", saved[2]]).stdout
    assert "@2='only here'" in decoded and decoded.count("### INSERT INTO") == 1 and "BINLOG '" in decoded, decoded
    assert node.rows("SELECT COUNT(*) FROM lab.ledger WHERE n = -9")[0][0] == "0"
    service.ctl("db1", "online", "db2")
    service.check()
    service.ctl("db2", "provision", "commit")


OBJECTS = """\
CREATE VIEW lab.seen AS SELECT n FROM lab.ledger;
CREATE PROCEDURE lab.count_them() SELECT COUNT(*) FROM lab.ledger;
CREATE TABLE lab.of_all_kinds (n int PRIMARY KEY, b blob, t text);
INSERT INTO lab.of_all_kinds VALUES (1, X'00ff0a27', '-- SET GLOBAL gtid_slave_pos=\\'9-9-9\\';\n-- Dump completed\n');
CREATE USER 'app'@'localhost' IDENTIFIED {with_password} 'secret';
GRANT SELECT ON lab.* TO 'app'@'localhost'"""
# By itself: of several statements in one, MySQL takes the separator for a part of the event.
EVENT = "CREATE EVENT lab.tick ON SCHEDULE EVERY 1 DAY DO DELETE FROM lab.of_all_kinds WHERE n < 0"
NO_OBJECTS = "DROP VIEW lab.seen; DROP PROCEDURE lab.count_them; DROP EVENT lab.tick; DROP TABLE lab.of_all_kinds; DROP USER 'app'@'localhost'"


@scenario_of_copies
def a_copy_is_made_of_statements(service):
    """By dump, while the client writes: views, routines, accounts and all come along, and it can be followed."""
    primary, node = service.node("db1"), service.node("db2")
    primary.rows(OBJECTS.format(with_password=service.flavour.with_password))
    primary.rows(EVENT)
    spoil(service, "db2")
    with service.ledger:
        service.write_some()
        service.ctl("db1", "provision", "db2", "--source", "db1", "--method", "dump")
        service.ctl("db1", "online", "db2")
        service.wait_state("db2", "ONLINE")
        service.write_some()
    service.check()
    assert len({str(sums) for sums in checksums(service, "db1", "db2")}) == 1
    assert node.rows("SELECT n, HEX(b), t FROM lab.of_all_kinds") == primary.rows("SELECT n, HEX(b), t FROM lab.of_all_kinds")
    if service.flavour is MariaDB:    # as if it had come by replication
        assert node.rows("SELECT status FROM mysql.event WHERE name = 'tick'") == [["SLAVESIDE_DISABLED"]]
    assert node.rows("CALL lab.count_them()")[0] == node.rows("SELECT COUNT(*) FROM lab.seen")[0]
    assert "lab" in node.run(["mysql", "-u", "app", "-psecret", "-e", "SHOW DATABASES"]).stdout
    service.ctl("db1", "repoint", "db3", "db2", "--force", "primary")
    primary.rows("INSERT INTO lab.ledger VALUES (-11, 'by way of db2')")
    service.wait(lambda: service.node("db3").rows("SELECT COUNT(*) FROM lab.ledger WHERE n = -11")[0][0] == "1", "db3 to follow db2")
    service.ctl("db1", "repoint", "db3", "db1")
    service.ctl("db1", "online", "db3")
    service.ctl("db2", "provision", "commit")
    primary.rows(NO_OBJECTS)
    service.check()


@scenario_of_copies
def what_must_not_be_provisioned_is_refused(service):
    """Before anything is touched, and with how to proceed."""
    for words, answer in {
        ("provision", "db9"): "There is no node",
        ("provision", "db1"): "is the primary",
        ("provision", "db2", "--source", "db2"): "copy of itself",
        ("provision", "db2", "--source", "db9"): "There is no node",
        ("provision", "db2", "--method", "magic"): "mariadb-backup",
        ("provision", "commit", "db2"): "nothing to commit",
        ("provision", "rollback", "db2"): "no data from before",
    }.items():
        said = service.ctl("db1", *words, status=1)
        assert answer in said, f"{words}: {said}"
    # A table of which the dump would be of another moment than the rest.
    engine = "Aria" if service.flavour is MariaDB else "MyISAM"
    service.node("db1").rows(f"CREATE TABLE lab.other (n int PRIMARY KEY) ENGINE = {engine}")
    said = service.ctl("db1", "provision", "db2", "--source", "db1", "--method", "dump", status=1)
    assert "not InnoDB" in said, said
    service.node("db1").rows("DROP TABLE lab.other")
    service.ctl("db1", "shun", "db3")
    assert "not ONLINE" in service.ctl("db1", "provision", "db2", "--source", "db3", status=1)
    tool, words = ("/usr/bin/mbstream", ()) if service.flavour is MariaDB else ("/usr/bin/mysql", ("--method", "dump"))
    node = service.node("db2")
    node.run(f"mv {tool} {tool}.away")
    try:
        assert "not installed" in service.ctl("db1", "provision", "db2", *words, status=1)
    finally:
        node.run(f"mv {tool}.away {tool}")
    intact(service, "db2")


@scenario_of_copies
def a_wrong_password_stops_no_server(service):
    """Of the account that replicates: found out while the old server runs."""
    node, file = service.node("db2"), "/etc/mainstay/replication.cnf"
    node.run(f"cp -p {file} {file}.right; sed -i 's/^password.*/password = wrong/' {file}; systemctl restart mainstayd")
    try:
        service.wait(lambda: service.states("db2") == dict.fromkeys(service.names(), "ONLINE"), "db2 to see all ONLINE")
        said = service.ctl("db2", "provision", "db2", "--source", "db1", status=1)
        assert "Access denied" in said or "refuses to clone" in said, said
        assert "stop done" not in said and "stop undone" not in said, said
    finally:
        node.run(f"mv {file}.right {file}; systemctl restart mainstayd")
    intact(service, "db2")
    service.wait_state("db2", "ONLINE")


def job(service, name):
    """The last one on a node, or {} where nothing can be heard of it."""
    try:
        return json.loads(service.node(name).run(["mainstayctl", "job", "show", "--json"], check=False, timeout=20).stdout or "{}")
    except (LabError, ValueError):
        return {}


def is_over(service, name, number):
    one = job(service, name)
    return one.get("id") == number and one.get("state") in ("done", "failed", "cancelled")


# In which what comes from the source is written.
TRANSFERS = ("copy", "load")


def wait_copying(service, name):
    service.wait(lambda: job(service, name).get("steps", [{}])[-1].get("name") in TRANSFERS, "the copy to begin")


def wait_coming(service, name, number):
    """As it is seen on another node."""
    def comes():
        assert not is_over(service, name, number), f"job {number} was over before it was seen to run"
        return job(service, name).get("steps", [{}])[-1].get("name") in TRANSFERS and service.of(name).get("job", {}).get("bytes_done", 0) > 0

    service.wait(comes, "bytes to come")


def begin_to_come(service, name, source, *words):
    """A copy of which bytes come, and which is slow (interruption.slowly)."""
    def begun():
        done = service.node(name).run(["mainstayctl", "provision", name, "--source", source, *words, "--no-wait", "--json"], check=False, timeout=PATIENT)
        return json.loads(done.stdout)["job"] if done.returncode == 0 else None

    # That the source was cut before may be found out only now.
    number = service.wait(begun, f"{source} to be heard")
    wait_coming(service, name, number)
    return number


def roll_back_if_done(service, name):
    """Whether the copy was made; now the old data are in place in either case."""
    done = job(service, name)["state"] == "done"
    if done:
        service.ctl(name, "provision", "rollback")
        service.ctl(name, "online")
    return done


def begin(service, name, source="db1", *words):
    said = service.ctl(name, "provision", name, "--source", source, *words, "--no-wait", "--json")
    return json.loads(said)["job"]


@scenario_of_copies
def a_copy_that_is_cut_short_changes_nothing(service):
    """The stream ends early, and whoever sent it says that all is well: the old data serve on."""
    for method in interruption.methods(service):
        for percent in (30, 90, 99) if method != "clone" else ():
            with interruption.cut_short(service, "db1", method, percent):
                said = service.ctl("db2", "provision", "db2", "--source", "db1", "--method", method, status=1)
            assert "did not succeed" in said, said
            unharmed(service, "db2")
    check_restarted(service, "db2")


@scenario_of_copies
def a_copy_whose_source_dies_changes_nothing(service):
    """In the middle its server is killed, or it loses power: likewise."""
    for method in interruption.methods(service):
        service.wait_state("db3", "ONLINE", seen_by="db2")
        with interruption.slowly(service, "db3", method):
            number = begin_to_come(service, "db2", "db3", "--method", method)
            if method == "mariadb-backup":
                service.lab.cut("db3")
            else:
                service.node("db3").run(f"systemctl kill -s KILL {service.flavour.unit}")
                interruption.go_on(service, "db3")
            service.wait(lambda: is_over(service, "db2", number), "the job to end")
            if method == "mariadb-backup":
                service.lab.boot("db3")
        assert job(service, "db2")["state"] == "failed"
        unharmed(service, "db2")
    check_restarted(service, "db2")


@scenario_of_copies
def a_copy_whose_connection_is_cut_changes_nothing(service):
    """It fails; a clone goes on by another connection, as MySQL has it. The old data are there in any case."""
    for method in interruption.methods(service):
        with interruption.slowly(service, "db3", method):
            number = begin_to_come(service, "db2", "db3", "--method", method)
            interruption.disconnect(service, "db3", "db2")
            interruption.go_on(service, "db3")
            service.wait(lambda: is_over(service, "db2", number), "the job to end")
        assert roll_back_if_done(service, "db2") == (method == "clone")
        unharmed(service, "db2")
    service.check()


@scenario_of_copies
def a_copy_is_cancelled(service):
    """While it is under way: what there is of it is removed."""
    with interruption.slowly(service, "db1"):
        number = begin(service, "db2")
        wait_copying(service, "db2")
        assert "A job runs" in service.ctl("db1", "provision", "db2", status=1)
        service.ctl("db2", "job", "cancel", str(number))
        service.wait(lambda: is_over(service, "db2", number), "the job to end")
    assert job(service, "db2")["state"] == "cancelled"
    intact(service, "db2")


@scenario_of_copies
def an_agent_dies_while_its_server_copies(service):
    """What it had begun is ended, and begun again."""
    with interruption.slowly(service, "db1"):
        number = begin_to_come(service, "db2", "db1")
        service.node("db2").run("systemctl kill -s KILL mainstayd")
        service.wait(lambda: job(service, "db2").get("id") == number, "the agent to be back")
    settle(service, "db2", number)


@scenario_of_copies
def systemd_starts_anew_in_the_middle(service):
    """As an update of it does: nothing that runs ends, and the job goes on."""
    for step in ("copy", "shadow", "stop", "start"):
        with interruption.slowly(service, "db1") if step == "copy" else nullcontext():
            number = begin(service, "db2")
            wait_step(service, "db2", number, step)
            service.node("db2").run("systemctl daemon-reexec", check=False, timeout=PATIENT)
        assert settle(service, "db2", number) == "done", job(service, "db2")


STEPS = ["look", "copy", "prepare", "shadow", "position", "follow", "catchup", "settle", "stop", "save", "swap", "start", "replicate",
         "verify", "release"]


def settle(service, name, number):
    """It has ended, and the node is no worse off: with a copy or without, it has all rows and can be committed."""
    service.wait(lambda: is_over(service, name, number), f"the job {number} on {name} to end")
    one = job(service, name)
    if one["state"] == "failed":
        intact(service, name)
    else:
        service.ctl(name, "provision", "commit")
    service.node(name).run("mainstayctl online", check=False, timeout=PATIENT)
    assert not service.node(name).path(OLD).exists() and not service.node(name).path(NEW).exists(), one
    service.check()
    return one["state"]


def wait_step(service, name, number, step):
    service.wait(lambda: any(one["name"] == step for one in job(service, name).get("steps", [])) or is_over(service, name, number),
                 f"the step {step}", interval=0.02)


def interrupt(service, how):
    states = []
    for step in STEPS:
        service.wait(lambda: service.states("db2") == dict.fromkeys(service.names(), "ONLINE"), "db2 to see all ONLINE")
        number = begin(service, "db2")
        wait_step(service, "db2", number, step)
        how(step)
        states.append(settle(service, "db2", number))
    return states


@scenario_of_copies
def the_power_fails_at_each_step(service):
    """And the job is gone on with, or taken back; the node has one whole set of data at every moment."""
    def how(_):
        service.lab.cut("db2")
        service.lab.boot("db2")

    states = interrupt(service, how)
    assert states.count("done") > len(STEPS) // 2, states


@scenario_of_copies
def the_agent_dies_at_each_step(service):
    """Likewise, with the server running on."""
    states = interrupt(service, lambda _: service.node("db2").run("systemctl kill -s KILL mainstayd"))
    assert states.count("done") > len(STEPS) // 2, states


@scenario_of_copies
def a_copy_of_a_replica_follows_the_primary(service):
    """Also where that replica is down when the copy is told whom to follow: nobody knows then
    whom it follows, so it is waited for."""
    service.wait(lambda: service.states("db2") == dict.fromkeys(service.names(), "ONLINE"), "db2 to see all ONLINE")
    number = begin(service, "db2", source="db3")
    wait_step(service, "db2", number, "shadow")
    db3, unit = service.node("db3"), service.flavour.unit
    db3.run(f"systemctl stop {unit}")
    wait_step(service, "db2", number, "follow")
    db3.run(f"systemctl start {unit}")
    # It sees to it that all follow the primary.
    assert settle(service, "db2", number) == "done", job(service, "db2")


# At which steps of each method it may come.
FILLED = {"mariadb-backup": ("copy", "prepare", "shadow"), "clone": ("copy", "shadow", "catchup"), "dump": ("shadow", "load")}


def fill_at(service, method, step):
    """db2 gets a copy, and its disk is full from that step on."""
    with interruption.slowly(service, "db3", method) if step in TRANSFERS else nullcontext():
        words = "--method", method, "--force", "space"
        if step in TRANSFERS:
            number = begin_to_come(service, "db2", "db3", *words)
        else:
            number = begin(service, "db2", "db3", *words)
            wait_step(service, "db2", number, step)
        with interruption.full(service.node("db2")):
            interruption.go_on(service, "db3")
            service.wait(lambda: is_over(service, "db2", number), "the job to end")


@scenario_of_copies
def a_full_disk_changes_nothing(service):
    """It is refused where that can be foreseen; where it was forced, or comes later, the old data serve on."""
    node = service.node("db2")
    with interruption.small_disk(service, "db2") as size:
        service.wait_state("db2", "ONLINE", seen_by="db2")
        with interruption.full(node, size):
            said = service.ctl("db1", "provision", "db2", status=1)
        assert "no room" in said and "--force=space" in said, said
        for method in interruption.methods(service):
            with interruption.full(node, 1):
                said = service.ctl("db1", "provision", "db2", "--method", method, "--force", "space", status=1)
            assert "untouched" in said, said
            for step in FILLED[method]:
                fill_at(service, method, step)
                roll_back_if_done(service, "db2")
                unharmed(service, "db2")
    check_restarted(service, "db2")

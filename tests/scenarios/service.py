"""The datasources of an asynchronous service: failed, recovered, shunned, repointed,
as the manual of record has it, on real servers."""

import re

import breakage

from cluster import PATIENT
from replication import Service
from scenario import scenario


def scenario_of_service(function):
    return scenario(function, kind=Service)


NOT_FAILED = "The datasource '{}' is not FAILED or SHUNNED and cannot be recovered."


@scenario_of_service
def a_failed_replica_is_recovered_by_one_command(service):
    """From any node; it ends OFFLINE, and `online` sets and verifies read_only. A healthy one is refused, in those words."""
    with service.ledger:
        service.write_some()
        assert NOT_FAILED.format("db2") in service.ctl("db1", "recover", "db2", status=1)
        breakage.mistake_password(service, "db2")
        service.wait_state("db2", "FAILED")
        said = service.ctl("db3", "recover", "db2")
        assert "db2 is OFFLINE now." in said, said
        service.wait_state("db2", "OFFLINE", seen_by="db3")
        said = service.ctl("db1", "online", "db2")
        assert "db2 is ONLINE now." in said and "read-only" in said, said
        service.wait_state("db2", "ONLINE")
        assert NOT_FAILED.format("db2") in service.ctl("db1", "recover", "db2", status=1)
    service.check()


@scenario_of_service
def all_that_failed_are_recovered(service):
    """One failed, one shunned: `recover` finds both, one after the other."""
    with service.ledger:
        breakage.mistake_password(service, "db2")
        service.ctl("db1", "shun", "db3", "--reason", "maintenance of its disks")
        service.wait_state("db2", "FAILED")
        service.wait_state("db3", "SHUNNED")
        said = service.ctl("db1", "recover")
        assert "Recovered 2 of 2 data sources." in said, said
        assert service.states("db1") == {"db1": "ONLINE", "db2": "OFFLINE", "db3": "OFFLINE"}
        service.ctl("db1", "online", "db2")
        service.ctl("db1", "online", "db3")
    service.check()


@scenario_of_service
def a_shun_outlives_restarts_and_ends_by_its_own_end(service):
    """The server and the agent are started anew, the node is cut: it stays SHUNNED, and is so on every node."""
    service.ctl("db1", "shun", "db2", "--reason", "a broken fan", "--owner", "anna")
    service.node("db2").run(f"systemctl restart {service.flavour.unit} mainstayd", timeout=120)
    for name in service.names():
        service.wait_state("db2", "SHUNNED", seen_by=name)
        assert "a broken fan" in service.of("db2", seen_by=name)["reason"]
    service.lab.cut("db2")
    service.lab.boot("db2")
    service.wait_state("db2", "SHUNNED")
    service.wait_state("db2", "SHUNNED", seen_by="db3")
    # db3 may still tell how it was before the cut: db2 itself knows.
    service.node("db2").run(f"systemctl start {service.flavour.unit}", timeout=120)
    service.wait(lambda: service.of("db2", seen_by="db2")["components"]["server"]["state"] == "ONLINE", "the server of db2 to be up")
    # And db3 may yet find that who told it so is gone.
    service.wait(lambda: "anna" in service.of("db2", seen_by="db3").get("reason", ""), "db3 to know whose shun it is")
    said = service.wait(lambda: service.node("db3").run(["mainstayctl", "recover", "db2"], check=False, timeout=PATIENT).stdout or None, "db3 to reach db2")
    assert "db2 is OFFLINE now." in said, said
    service.ctl("db1", "online", "db2")
    service.ctl("db1", "shun", "db2", "--for", "3s")
    service.wait_state("db2", "SHUNNED")
    service.wait_state("db2", "ONLINE")


@scenario_of_service
def in_automatic_a_failed_replica_comes_back_by_itself(service):
    """Under the policy automatic nobody has to say anything."""
    service.ctl("db1", "policy", "automatic")
    with service.ledger:
        breakage.mistake_password(service, "db2")
        service.wait_state("db2", "FAILED")
        service.wait_state("db2", "ONLINE")
        service.ctl("db1", "shun", "db3")
        assert "db3 is ONLINE now." in service.ctl("db1", "recover", "db3")
    service.check()


@scenario_of_service
def a_shunned_replica_is_recovered_as_the_policy_has_it(service):
    """In automatic it is ONLINE by itself; in manual and maintenance it is OFFLINE until `online`."""
    with service.ledger:
        for policy in ("automatic", "manual", "maintenance"):
            service.ctl("db1", "policy", policy)
            service.ctl("db1", "shun", "db2")
            service.wait_state("db2", "SHUNNED")
            said = service.ctl("db1", "recover", "db2")
            if policy == "automatic":
                assert "db2 is ONLINE now." in said, said
            else:
                assert "db2 is OFFLINE now." in said, said
                service.write_some()
                for name in service.names():
                    service.wait_state("db2", "OFFLINE", seen_by=name)
                said = service.ctl("db1", "online", "db2")
                assert "db2 is ONLINE now." in said and "read-only" in said, said
            service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_service
def none_is_online_whose_replicator_is_not(service):
    """So nobody has to shun one for `recover` to take it; whoever does it as the manual has it gets there, too."""
    for breaks, state in {breakage.stop_sql: "OFFLINE", breakage.mistake_password: "FAILED"}.items():
        breaks(service, "db2")
        service.wait_state("db2", state)
        assert service.of("db2")["components"]["server"]["state"] == "ONLINE"
        if state == "OFFLINE":
            said = service.ctl("db1", "recover", "db2", status=1)
            assert NOT_FAILED.format("db2") in said and "mainstayctl online" in said, said
        service.ctl("db1", "shun", "db2")
        service.wait_state("db2", "SHUNNED")
        service.ctl("db1", "recover", "db2")
        service.ctl("db1", "online", "db2")
        service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_service
def one_that_wrongly_takes_writes_is_made_a_replica(service):
    """Two take writes: both are named, and nothing is recovered; shunned and repointed, the wrong one follows, read-only also after a restart."""
    service.check()
    node = service.node("db2")
    node.rows(f"{service.flavour.stop}; {service.flavour.forget}; SET GLOBAL {service.flavour.read_only} = OFF; SET GLOBAL read_only = OFF")
    node.path(service.flavour.read_only_file).unlink()
    service.wait(lambda: service.service("db1")["primary"]["verdict"] == "several", "two primaries to be seen")
    service.ctl("db3", "shun", "db3")
    assert "exactly one active primary" in service.ctl("db1", "recover", "db3", status=1)
    service.ctl("db1", "shun", "db2")
    service.wait(lambda: service.service("db2")["primary"]["verdict"] == "one", "one primary to be seen")
    said = service.ctl("db1", "repoint", "db2", "db1")
    assert "db2 replicates from db1" in said, said
    service.ctl("db1", "online", "db2")
    service.ctl("db1", "recover", "db3")
    service.ctl("db1", "online", "db3")
    node.run(["systemctl", "restart", service.flavour.unit], timeout=120)
    service.wait_state("db2", "ONLINE")
    assert node.sql("SELECT @@read_only") == "1"
    service.check()


@scenario_of_service
def one_that_wrongly_takes_writes_is_made_a_replica_step_by_step(service):
    """shun, replicator offline, replica, online, recover: the one primary there is need not be named."""
    node = service.node("db2")
    node.rows(f"{service.flavour.stop}; {service.flavour.forget}; SET GLOBAL {service.flavour.read_only} = OFF; SET GLOBAL read_only = OFF")
    service.wait(lambda: service.service("db1")["primary"]["verdict"] == "several", "two primaries to be seen")
    service.ctl("db1", "shun", "db2")
    service.wait(lambda: service.service("db2")["primary"]["verdict"] == "one", "one primary to be seen")
    service.ctl("db1", "replicator", "db2", "offline")
    service.ctl("db1", "replicator", "db2", "replica")
    assert service.replication("db2").source == "db1"
    service.ctl("db1", "replicator", "db2", "online")
    service.wait_state("db2", "SHUNNED")
    said = service.ctl("db1", "recover", "db2")
    assert "db2 is OFFLINE now." in said, said
    service.ctl("db1", "online", "db2")
    assert node.sql("SELECT @@read_only") == "1"
    service.check()


@scenario_of_service
def one_that_was_the_primary_is_recovered_as_a_replica(service):
    """While it was away another was promoted. It comes back writable, is shunned, and `recover` lets it follow that one."""
    service.check()
    old, new = service.node("db1"), service.node("db3")
    old.run(["systemctl", "stop", service.flavour.unit], timeout=120)
    service.lab.promote(new)
    service.node("db2").rows(service.flavour.stop)
    service.lab.follow(service.node("db2"))
    new.rows("INSERT INTO lab.ledger VALUES (-13, 'by the new primary')")
    old.run(["systemctl", "start", service.flavour.unit], timeout=120)
    service.wait(lambda: service.service("db3")["primary"]["verdict"] == "several", "two primaries to be seen")
    service.ctl("db3", "shun", "db1")
    service.wait(lambda: service.service("db1")["primary"]["verdict"] == "one", "one primary to be seen")
    said = service.ctl("db2", "recover", "db1")
    assert "db1 is OFFLINE now." in said, said
    service.ctl("db2", "online", "db1")
    service.wait_replicated()
    assert service.replication("db1").source == "db3" and old.sql("SELECT @@read_only") == "1"


@scenario_of_service
def what_cannot_go_on_is_told_and_left_alone(service):
    """Errant transactions, purged binary logs: refused before anything is touched, with the evidence."""
    breakage.purge_binlogs(service, "db3")
    service.wait_state("db3", "FAILED")
    # The primary's agent asks its server every few seconds.
    service.wait(lambda: service.of("db1", seen_by="db3")["position"] != service.of("db3", seen_by="db3")["position"], "db3 to hear of what it lacks")
    said = service.ctl("db1", "recover", "db3", status=1)
    assert "new copy of the data" in said, said
    breakage.commit_errant(service, "db2")
    service.ctl("db1", "shun", "db2")
    said = service.ctl("db1", "recover", "db2", status=1)
    assert "Save what only it has" in said or "does not have" in said, said
    assert service.replication("db2").source == "db1"
    service.wait_state("db2", "SHUNNED")


@scenario_of_service
def what_cannot_be_applied_is_told_what_helps(service):
    """A row is there that the primary sends: `recover` starts it again, and where that fails names the copy that helps."""
    breakage.write_beforehand(service, "db2", -14)
    service.node("db1").rows("INSERT INTO lab.ledger VALUES (-14, 'of the primary')")
    service.wait_state("db2", "FAILED")
    said = service.ctl("db1", "recover", "db2", status=1)
    assert "Where that is so time and again" in said and "mainstayctl provision db2" in said, said
    service.ctl("db1", "provision", "db2")
    service.ctl("db1", "online", "db2")
    service.ctl("db1", "provision", "commit", "db2")
    service.check()


@scenario_of_service
def a_replicator_is_stopped_and_told_whom_to_follow_step_by_step(service):
    """offline, which outlives a restart of the server; replica; online. And who is none, or oneself, is refused."""
    with service.ledger:
        service.ctl("db1", "replicator", "db2", "offline")
        service.node("db2").run(["systemctl", "restart", service.flavour.unit], timeout=120)
        service.wait_state("db2", "OFFLINE")
        assert service.replication("db2").sql == "No"
        service.ctl("db1", "replicator", "db2", "replica", "db1")
        service.ctl("db1", "replicator", "db2", "online")
        service.wait_state("db2", "ONLINE")
        assert "There is no node" in service.ctl("db1", "repoint", "db2", "db9", "--force", "primary", status=1)
        assert "cannot replicate from itself" in service.ctl("db1", "repoint", "db2", "db2", status=1)
        assert "is the primary" in service.ctl("db1", "repoint", "db1", status=1)
        assert "There is no node" in service.ctl("db1", "recover", "db9", status=1)
    service.check()


@scenario_of_service
def an_agent_whose_state_is_damaged_says_what_to_type(service):
    """It does not start, and leaves the file as it is; what it says brings it back, as a replica."""
    node, file = service.node("db2"), "/var/lib/mainstay/state.json"
    node.run(f"systemctl stop mainstayd; truncate --size=20 {file}; systemctl start mainstayd", check=False, timeout=PATIENT)
    said = service.said("db2")
    command = re.search(r"move it aside: (.*); systemctl restart mainstayd\.", said)
    assert command and node.run(f"stat -c %s {file}").stdout == "20\n", said
    node.run(f"{command[1]} && systemctl restart mainstayd", timeout=PATIENT)
    service.wait_state("db2", "ONLINE")
    assert node.sql("SELECT @@read_only") == "1"
    service.check()


@scenario_of_service
def an_agent_that_cannot_begin_is_tried_again_at_leisure(service):
    """Its unit has failed, and says what to do; the server's starts go on. It is back by itself when the
    cause is gone, and not where somebody has stopped it meanwhile; one that was killed is back at once."""
    node, file, secret = service.node("db2"), "/var/lib/mainstay/state.json", "/etc/mainstay/replication.cnf"

    def tries():
        return service.said("db2").count("cannot be used")

    def state_of(unit):
        return node.run(["systemctl", "is-active", unit], check=False).stdout.strip()

    def pid():
        return node.run(["systemctl", "show", "--value", "--property=MainPID", "mainstayd"]).stdout

    node.run(f"systemctl stop mainstayd; cp -p {file} {file}.right; truncate --size=20 {file}; systemctl start mainstayd", check=False, timeout=PATIENT)
    try:
        assert state_of("mainstayd") == "failed"
        status = service.unit_status("db2", "mainstayd")
        assert "move it aside" in status and "tried again every 30 seconds" in status, status
        assert "agent, mainstayd, does not run" in service.ctl("db2", "status", status=1)
        node.run(["systemctl", "restart", service.flavour.unit], timeout=PATIENT)
        first = tries()
        assert first <= 3, service.said("db2")  # the server's start wants the agent, too
        service.wait(lambda: tries() == first + 2, "the agent to be tried twice more", timeout=80)
        node.run(f"cp -p {file}.right {file}")
        service.wait(lambda: state_of("mainstayd") == "active", "the agent to be back", timeout=45)

        node.run(f"truncate --size=20 {file}; systemctl restart mainstayd", check=False, timeout=PATIENT)
        assert state_of("mainstayd.timer") == "active"
        node.run("systemctl stop mainstayd")
        assert state_of("mainstayd.timer") == "inactive"

        node.run(f"cp -p {file}.right {file}; mv {secret} {secret}.right; systemctl start mainstayd", check=False, timeout=PATIENT)
        assert (state_of("mainstayd"), state_of("mainstayd.timer")) == ("failed", "active")
    finally:
        node.run(f"mv {secret}.right {secret}; mv {file}.right {file}; systemctl restart mainstayd", check=False, timeout=PATIENT)
    before = pid()
    node.run("systemctl kill --signal=KILL mainstayd")
    service.wait(lambda: pid() not in (before, "0\n") and state_of("mainstayd") == "active", "the agent to be back", timeout=10)
    service.wait_state("db2", "ONLINE")
    service.check()


@scenario_of_service
def a_job_is_gone_on_with_when_its_agent_has_died(service):
    """The agent is killed in the middle, again and again: the step is done anew, and the job comes to its end."""
    with service.ledger:
        breakage.reset_replication(service, "db2")
        service.wait_state("db2", "OFFLINE")
        service.ctl("db1", "repoint", "db2", "--no-wait")
        for _ in range(3):
            service.node("db2").run("sleep 0.3; systemctl kill -s KILL mainstayd", check=False)
        service.wait(lambda: "is done" in service.node("db2").run(["mainstayctl", "job", "show"], check=False).stdout, "the job to be done")
        service.ctl("db1", "online", "db2")
        service.wait_state("db2", "ONLINE")
    service.check()

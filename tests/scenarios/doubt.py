"""What cannot be known: nodes out of reach, and files that make no sense."""

import time

from cluster import GRASTATE
from scenario import scenario

# ssh answers with a reset, in both directions, also where it was connected.
REFUSE_SSH = """
nft -f - <<END
table inet lab {
    chain in  { type filter hook input  priority 0; tcp dport 22 reject with tcp reset; }
    chain out { type filter hook output priority 0; tcp dport 22 reject with tcp reset; }
}
END
"""


@scenario
def a_node_out_of_reach_is_uncertain_never_absent(cluster):
    """ssh refused, a name that does not resolve, a link down: nobody leads without it."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    cluster.start_by_hand("db1", "db2")
    db3 = cluster.node("db3")

    db3.run(REFUSE_SSH)
    all_wait_for_db3(cluster, "refused")
    db3.run("nft delete table inet lab")
    all_hear_db3(cluster)

    # A connection that stands needs no name: the agents begin anew.
    for name in ("db1", "db2"):
        cluster.node(name).run("cp /etc/hosts /etc/hosts.whole; sed -i /db3/d /etc/hosts; "
                               "systemctl restart mainstayd")
    all_wait_for_db3(cluster, "does not resolve")
    for name in ("db1", "db2"):
        cluster.node(name).run("cp /etc/hosts.whole /etc/hosts")
    all_hear_db3(cluster)

    db3.link(False)
    all_wait_for_db3(cluster)
    db3.link(True)
    all_hear_db3(cluster)

    cluster.start_by_hand("db3")
    cluster.check_led("db3")
    cluster.check()


def all_wait_for_db3(cluster, why=""):
    for name in ("db1", "db2"):
        cluster.wait(lambda: cluster.condition(name, "db3") == "uncertain",
                     f"{name} to be uncertain about db3")
        cluster.wait_awaits(name, ["db3"])
        status = cluster.node(name).run(["mainstayctl", "status"]).stdout
        assert "uncertain" in status and "absent" not in status, status
        cluster.wait(lambda: why in cluster.node(name).run(["mainstayctl", "status"]).stdout,
                     f"the status of {name} to say {why!r}")
    cluster.check_nobody_led(2)


def all_hear_db3(cluster):
    for name in ("db1", "db2"):
        cluster.wait(lambda: cluster.condition(name, "db3") == "known", f"{name} to hear db3")


@scenario
def names_that_do_not_resolve_after_a_cut_make_no_second_cluster(cluster):
    """One comes back and knows nobody's address, while the others serve: it says so and
    waits, and joins as soon as the names resolve."""
    db3 = cluster.node("db3")
    hosts = db3.path("etc/hosts")
    whole = hosts.read_text()
    try:
        with cluster.ledger:
            cluster.write_some(through="db3")
            cluster.lab.cut("db3")
            hosts.write_text("".join(line for line in whole.splitlines(True) if "db1" not in line and "db2" not in line))
            cluster.write_some(through="db1")
            cluster.lab.boot("db3")
            cluster.wait_awaits("db3", ["db1", "db2"])
            for name in ("db1", "db2"):
                cluster.wait(lambda: cluster.condition("db3", name) == "uncertain", f"db3 to be uncertain about {name}")
            cluster.wait(lambda: "does not resolve" in " ".join(cluster.unit_status("db3").split()), "`systemctl status mariadb` to say why it waits")
            end = time.monotonic() + 5
            while time.monotonic() < end:
                assert not cluster.is_primary("db3"), "db3 is Primary"
                cluster.write_some(through="db2")
            hosts.write_text(whole)
            cluster.write_some(through="db3")
    finally:
        hosts.write_text(whole)
    assert cluster.leaders() == [], f"led: {cluster.leaders()}"
    assert "IST received" in cluster.said("db3", "mariadb"), "db3 did not receive an IST"
    cluster.check()


@scenario
def a_state_file_that_makes_no_sense_is_waited_for(cluster):
    """A grastate.dat that is damaged is told of and left alone, and nobody leads without its node."""
    with cluster.ledger:
        cluster.stop_one_by_one("db1", "db2", "db3")
    cluster.start_by_hand("db1", "db2")
    file = cluster.node("db3").path(GRASTATE)
    good = file.read_bytes()
    damaged = {
        "corrupt": good.replace(b"seqno:   ", b"seqno:   x"),
        "empty": b"",
        "filled with NUL": bytes(len(good)),
        "truncated": good[:len(good) // 2],
        "huge": good + b"#" * (1 << 20),
    }
    for what, content in damaged.items():
        file.write_bytes(content)
        says_what_is_wrong(cluster, what)
        assert file.read_bytes() == content, f"grastate.dat, {what}, was written to"
    file.write_bytes(good)
    cluster.wait(lambda: cluster.state("db3") == "OFFLINE", "db3 to be content again")

    file.chmod(0)
    says_what_is_wrong(cluster, "unreadable")
    # Whoever starts it by hand waits as well, until the file is mended.
    cluster.start_by_hand("db3")
    cluster.check_nobody_led(3)
    assert file.read_bytes() == good and file.stat().st_mode & 0o777 == 0
    file.chmod(0o660)
    cluster.check_led("db3")
    cluster.check()


def says_what_is_wrong(cluster, what):
    """The node says so itself, the others wait for it, and it does not lead."""
    cluster.wait(lambda: (status := cluster.ask("db3", "status")).get("state") == "FAILED"
                 and "grastate.dat" in status.get("reason", ""),
                 f"db3 to find its grastate.dat {what}")
    for name in ("db1", "db2"):
        cluster.wait_awaits(name, ["db3"])
    done = cluster.node("db3").run(["mainstayctl", "bootstrap"], check=False)
    assert done.returncode != 0, f"db3 bootstraps with a grastate.dat that is {what}"
    cluster.check_nobody_led()


@scenario
def an_unknown_key_is_named_by_file_and_line(cluster):
    """mainstayd does not start with a configuration it does not understand; mysqld goes on."""
    db2 = cluster.node("db2")
    server = main_pid(db2, "mariadb")
    with cluster.ledger:
        db2.run("mkdir -p /etc/mainstay/conf.d; "
                "printf '[node]\\n\\nwieght = 2\\n' > /etc/mainstay/conf.d/lab.conf")
        db2.run("systemctl restart mainstayd", check=False)
        cluster.wait_said("db2", "/etc/mainstay/conf.d/lab.conf:3")
        cluster.write_some(through="db2")
        db2.run("rm /etc/mainstay/conf.d/lab.conf; systemctl restart mainstayd")
    assert main_pid(db2, "mariadb") == server, "mysqld was disturbed"
    cluster.check()


def main_pid(node, unit):
    return node.run(["systemctl", "show", "--value", "--property=MainPID", unit]).stdout.strip()

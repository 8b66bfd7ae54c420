"""Agents that die, and leaders that die, at the worst of moments."""

import os
import re
import select
import time
from xml.etree import ElementTree

from cluster import GVWSTATE, LED, PATIENT
from doubt import main_pid
from lablib import LabError
from scenario import scenario

GRANTED = re.compile(r"This node grants the \w+(?: [\w ]+)? to (\w+), at")
FOLLOW = ["timeout", str(PATIENT), "journalctl", "--follow", "--boot", "--lines=all",
          "--output=cat", "--unit=mainstayd"]

# After the gate.
SLOW = "etc/systemd/system/mariadb.service.d/99-slow.conf"


def kill_agent(node):
    """kill -9; there may be none just then, for it has been killed before."""
    node.run(["systemctl", "kill", "--signal=KILL", "mainstayd"], check=False)


@scenario
def the_agent_killed_is_brought_back_and_mysqld_goes_on(cluster):
    """kill -9 of every agent: systemd starts it again, and nobody notices."""
    servers = cluster.on_all(lambda node: main_pid(node, "mariadb"))
    began = time.monotonic()
    with cluster.ledger:
        cluster.write_some()
        agents = cluster.on_all(lambda node: main_pid(node, "mainstayd"))
        cluster.on_all(kill_agent)
        cluster.wait(lambda: all(main_pid(node, "mainstayd") not in ("0", agents[node.name])
                                 for node in cluster.nodes()), "new agents")
        for node in cluster.nodes():
            cluster.write_some(through=node.name)
    assert cluster.on_all(lambda node: main_pid(node, "mariadb")) == servers
    assert cluster.ledger.largest_gap(began) < 3, "commits stopped meanwhile"
    cluster.check()
    assert cluster.leaders() == []


@scenario
def agents_killed_in_the_middle_of_recovery_go_on(cluster):
    """After a power cut every agent is killed at each of the steps of the recovery."""
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        for step in ("Waiting for", " claims the ", "may start"):
            cluster.wait(lambda: any(step in cluster.said(name) for name in cluster.lab.names()),
                         f"an agent to say {step!r}")
            cluster.on_all(kill_agent)
        cluster.write_some()
    cluster.check()
    assert len(cluster.leaders()) <= 1, f"led: {cluster.leaders()}"


@scenario
def the_leader_cut_before_it_is_primary_is_waited_for(cluster):
    """A grant given holds, also when its agent is killed, until its holder is heard again."""
    cut_all_for_a_bootstrap(cluster)
    # A quick machine has mysqld Primary before anybody can cut its power.
    slow = [node.path(SLOW) for node in cluster.nodes()]
    for path in slow:
        path.parent.mkdir(exist_ok=True)
        path.write_text("[Service]\nExecStartPre=/bin/sleep 3\n")
    try:
        leader = boot_and_cut_the_leader(cluster, GRANTED)
    finally:
        for path in slow:
            path.unlink()
    granted = [name for name in others(cluster, leader) if GRANTED.search(cluster.said(name))]
    for name in granted:
        kill_agent(cluster.node(name))
    for name in granted:
        cluster.wait(lambda: grant_of(cluster, name) == leader, f"the grant of {name} to hold")
        cluster.wait_awaits(name, [leader])
    cluster.check_nobody_led(3)
    cluster.lab.boot(leader)
    cluster.check()


@scenario
def the_leader_cut_just_after_it_was_primary_is_waited_for(cluster):
    """It may have committed since: nobody leads without it, and it comes back with all."""
    with cluster.ledger:
        cut_all_for_a_bootstrap(cluster)
        leader = boot_and_cut_the_leader(cluster, re.compile(f"({LED})"))
    for name in others(cluster, leader):
        cluster.wait(lambda: cluster.condition(name, leader) == "uncertain",
                     f"{name} to be uncertain about {leader}")
    cluster.check_nobody_led(3)
    cluster.lab.boot(leader)
    cluster.check()


@scenario
def one_cut_whose_agent_is_dead_at_boot_joins_by_ist(cluster):
    """No agent runs when the power is back: the gate finds the position itself, and mysqld
    starts as a joiner that gets only what it missed."""
    db3 = cluster.node("db3")
    db3.run(["systemctl", "mask", "mainstayd"])
    try:
        with cluster.ledger:
            cluster.write_some(through="db3")
            cluster.lab.cut("db3")
            cluster.write_some(through="db1")
            cluster.lab.boot("db3")
            cluster.write_some(through="db3")
        assert main_pid(db3, "mainstayd") == "0", "db3 has an agent"
        for words in ("mysqld starts as a joiner", "The data have come to", "IST received"):
            assert words in cluster.said("db3", "mariadb"), f"db3's mysqld and its gate do not say {words!r}"
    finally:
        db3.run("systemctl unmask mainstayd; systemctl start mainstayd")
    assert cluster.leaders() == []
    cluster.check()


def others(cluster, leader):
    return [name for name in cluster.lab.names() if name != leader]


def grant_of(cluster, name):
    return cluster.ask(name, "report").get("grant", {}).get("holder")


def cut_all_for_a_bootstrap(cluster):
    """Cuts all three, for then all must agree; and they cannot resume their view."""
    cluster.lab.cut()
    cluster.node("db1").path(GVWSTATE).write_bytes(b"")


def boot_and_cut_the_leader(cluster, words):
    """Boots all, which are down, and cuts the one that leads the moment an agent
    says `words`. They name it, or it said them itself."""
    cluster.lab.boot()
    followers = {node.name: node.spawn(FOLLOW, text=False) for node in cluster.nodes()}
    try:
        said = dict.fromkeys(followers, b"")
        deadline = time.monotonic() + PATIENT
        while time.monotonic() < deadline:
            streams = {follower.stdout: name for name, follower in followers.items()}
            for stream in select.select(list(streams), [], [], 1)[0]:
                name = streams[stream]
                said[name] += os.read(stream.fileno(), 1 << 16)
                if match := words.search(said[name].decode(errors="replace")):
                    leader = match.group(1) if match.group(1) in followers else name
                    cluster.lab.cut(leader)
                    return leader
        raise LabError(f"no agent said {words.pattern!r}")
    finally:
        for follower in followers.values():
            follower.kill()
            follower.wait()
            follower.stdout.close()
            follower.stderr.close()


@scenario
def the_interface_on_the_bus_is_the_one_shipped(cluster):
    """What the agent offers, and what its XML promises, are the same."""
    live = cluster.node("db1").run("busctl introspect --xml-interface org.mainstay1 /org/mainstay1").stdout
    shipped = cluster.node("db1").run("cat /usr/share/dbus-1/interfaces/org.mainstay1.xml").stdout
    assert interfaces(shipped) == interfaces(live)


def interfaces(xml):
    """Everything that a caller sees of our own interfaces, as comparable words."""
    found = set()
    for interface in ElementTree.fromstring(xml).iter("interface"):
        name = interface.get("name")
        if not name.startswith("org.mainstay1"):
            continue
        for member in interface:
            if member.tag in ("method", "signal", "property"):
                arguments = tuple((arg.get("name"), arg.get("type"), arg.get("direction", "out"))
                                  for arg in member.iter("arg"))
                changes = [note.get("value") for note in member.iter("annotation")
                           if note.get("name").endswith("EmitsChangedSignal")]
                found.add((name, member.tag, member.get("name"), member.get("type"), member.get("access"),
                           arguments, tuple(changes)))
    return found

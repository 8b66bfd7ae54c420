"""`mainstayctl setup`: from nothing to a cluster that Mainstay looks after, and back."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from cluster import PATIENT
from fresh import Fresh, as_it_is, check_same, is_set_up, missing, server_of, setup, undo
from lablib.flavour import REPLICATION_PASSWORD, REPLICATION_USER
from replication import Replicas
from scenario import scenario

EXAMPLES = Path(__file__).resolve().parents[2] / "conf/examples"
SSHD = "systemctl restart ssh"
# What a person would call soon.
A_MINUTE = 60


def others(cluster):
    return [node.name for node in cluster.lab.nodes[1:]]


def all_of(said):
    """What each node has said, of one command for all."""
    return [said["here"], *(other["setup"] for other in said["others"])]


def check_all_hear(cluster):
    for node in cluster.nodes():
        cluster.wait(lambda: cluster.hears_all(node), f"{node.name} to hear all others")


def is_settled(cluster, node):
    return cluster.ask(node.name, "report").get("history_settled", False)


@scenario(kind=Fresh)
def one_command_sets_three_nodes_up_and_one_takes_it_back(cluster):
    """With all servers running, none of which is disturbed; the second time nothing is
    changed; then a power cut is survived; and undone, each node is what it was."""
    before = cluster.on_all(lambda node: as_it_is(node, cluster.UNIT))
    first = cluster.nodes()[0]
    began = time.monotonic()
    said = setup(first, *others(cluster))
    took = time.monotonic() - began
    print(f"         three nodes were set up in {took:.1f} s", flush=True)
    assert took < A_MINUTE, f"setup took {took:.0f} s"
    assert said["ready"] and said["changed"], said
    check_all_hear(cluster)

    made = cluster.on_all(lambda node: as_it_is(node, cluster.UNIT))
    for node in cluster.nodes():
        assert made[node.name]["server"] == before[node.name]["server"], f"{node.name}'s server was disturbed"
    again = setup(first, *others(cluster))
    assert again["ready"] and not again["changed"], again
    assert all(one["ready"] and not one["changed"] for one in all_of(again)), again
    # Where a setup was cut off between the two, what is public of the key is made of it.
    public = "/var/lib/mainstay/ssh/id_ed25519.pub"
    before_it = first.run(["cat", public]).stdout
    first.run(["rm", public])
    said = setup(first)
    assert said["ready"] and said["changed"], said
    assert first.run(["cat", public]).stdout == before_it, "another key was made, which the others do not know"
    for node in cluster.nodes():
        check_same(node, made[node.name], as_it_is(node, cluster.UNIT))
        assert not setup(node, "--check")["changed"]

    # As it says, one after another; from then on there is a record.
    for node in cluster.nodes():
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.wait_synced()
    with cluster.ledger:
        cluster.write_some()
        cluster.lab.cut()
        cluster.lab.boot()
        cluster.write_some()
    cluster.check_formed_once()
    cluster.check()

    servers = cluster.on_all(lambda node: server_of(node, cluster.UNIT))
    assert undo(cluster)["ready"]
    assert not undo(cluster)["changed"]
    for node in cluster.nodes():
        before[node.name]["server"] = servers[node.name]
        check_same(node, before[node.name], as_it_is(node, cluster.UNIT))
        assert not node.path("var/lib/mainstay/server/views").exists(), "the record goes on without its end"
    # And it starts as before, asking InnoDB for the position itself.
    last = cluster.nodes()[-1]
    last.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
    cluster.wait_synced()
    assert "mainstay" not in last.run(["systemctl", "show", "mariadb", "--property=ExecStartPre,EnvironmentFiles,DropInPaths"]).stdout

    # Set up again, though nobody has a record of what these servers did meanwhile.
    for node in cluster.nodes()[:-1]:
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.wait_synced()
    assert setup(first, *others(cluster))["ready"]
    cluster.wait(lambda: all(is_settled(cluster, node) for node in cluster.nodes()), "all servers to be seen in one component")
    # What a server did while it was away from the others is in no record.
    cluster.lab.link(False, first.name)
    cluster.wait(lambda: not is_settled(cluster, first), "that not to hold any more on one that is cut off")
    assert all(is_settled(cluster, node) for node in cluster.nodes()[1:])
    cluster.lab.link(True, first.name)
    cluster.wait(lambda: all(is_settled(cluster, node) for node in cluster.nodes()), "all servers to be seen in one component again")
    for node in cluster.nodes():
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.wait_synced()
    assert undo(cluster)["ready"]


@scenario(kind=Fresh)
def no_node_says_the_key_of_another(cluster):
    """One that goes by another's name: both are named, and nobody gets anybody's key."""
    first, second, _ = cluster.nodes()
    conf = "/etc/mainstay/conf.d/name.conf"
    second.run(f"mkdir -p /etc/mainstay/conf.d; printf '[node]\\nname = db3\\n' > {conf}")
    try:
        done = first.run(["mainstayctl", "setup", *others(cluster)], check=False, timeout=PATIENT)
        assert done.returncode == 1 and "db2 and db3" in done.stderr, (done.returncode, done.stderr)
        for node in cluster.nodes():
            assert not node.path("var/lib/mainstay-peer/.ssh/authorized_keys").exists(), f"{node.name} got keys"
    finally:
        second.run(f"rm {conf}; rmdir --ignore-fail-on-non-empty /etc/mainstay/conf.d")
        undo(cluster)


@scenario(kind=Fresh)
def setup_is_not_undone_in_the_middle_of_something(cluster):
    """It names what is under way and changes nothing; and one check is passed over by its name."""
    first, second, third = cluster.nodes()
    setup(first, *others(cluster))
    check_all_hear(cluster)
    # One whose key is let in nowhere cannot know who needs the account.
    for node in first, second:
        node.run("mv /var/lib/mainstay-peer/.ssh/authorized_keys /root")
    assert setup(third, "--undo")["ready"]
    assert ["mainstay"] in first.rows("SELECT User FROM mysql.user"), "one node alone dropped the account of all"
    for node in first, second:
        node.run("mv /root/authorized_keys /var/lib/mainstay-peer/.ssh")
    setup(first, *others(cluster))
    check_all_hear(cluster)
    sleeper = second.spawn(["mariadb", "-e", "SELECT SLEEP(1000)"])
    second.run(["mainstayctl", "drain", "--no-wait"])
    cluster.wait(lambda: cluster.ask("db2", "status")["job"]["state"] == "running", "the job to run")
    made = as_it_is(second, cluster.UNIT)
    said = setup(second, "--undo", status=1)
    (text, remedy), = missing(said)["check"]
    assert "job" in text and "drain" in text and "--force=job" in remedy, (text, remedy)
    assert not said["changed"]
    check_same(second, made, as_it_is(second, cluster.UNIT))
    # What the others have promised is on their disks: here, as one of them would have it.
    third.run("systemctl stop mainstayd; cp -p /var/lib/mainstay/state.json /root; "
              "sed -i 's/\"version\"/\"grant\": {\"holder\": \"db1\"}, \"version\"/' /var/lib/mainstay/state.json")
    (text, remedy), = missing(setup(third, "--undo", status=1))["check"]
    assert "db1" in text and "--force=claim" in remedy, (text, remedy)
    # What cannot be read may say the same.
    third.run("echo '{' > /var/lib/mainstay/state.json")
    (text, remedy), = missing(setup(third, "--undo", status=1))["check"]
    assert "state.json" in text and "--force=claim" in remedy, (text, remedy)
    third.run("cp -p /root/state.json /var/lib/mainstay; systemctl start mainstayd")

    assert setup(second, "--undo", "--force=job")["ready"]
    assert not is_set_up(second, cluster.UNIT)
    # The account is everybody's, as long as there is somebody.
    assert ["mainstay"] in first.rows("SELECT User FROM mysql.user")
    sleeper.kill()
    sleeper.wait()
    # Set up again, the node goes on with its job where it was: the server does not see that the sleeper is gone.
    setup(first, *others(cluster))
    check_all_hear(cluster)
    number = str(cluster.ask("db2", "status")["job"]["id"])
    second.run(["mainstayctl", "job", "cancel", number])
    cluster.wait(lambda: cluster.ask("db2", "job", "show", number).get("state") == "cancelled", "the job to end")
    second.run("mainstayctl online", check=False, timeout=PATIENT)
    undo(cluster)
    assert ["mainstay"] not in first.rows("SELECT User FROM mysql.user")


@scenario(kind=Fresh)
def ansible_sets_three_nodes_up(cluster):
    """By the example, as it stands; the second time it says that nothing has changed."""
    with tempfile.TemporaryDirectory() as place:
        key = Path(place, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        for node in cluster.nodes():
            node.run("cp /root/.ssh/authorized_keys /root/.ssh/kept; cat >> /root/.ssh/authorized_keys", input=key.with_suffix(".pub").read_text())
        hosts = Path(place, "hosts")
        hosts.write_text("".join(f"{node.name} ansible_host={node.address}\n" for node in cluster.nodes()))
        known = "".join(f"{node.address} {node.path('etc/ssh/ssh_host_ed25519_key.pub').read_text()}" for node in cluster.nodes())
        Path(place, "known").write_text(known)
        command = ["ansible-playbook", "-i", hosts, "-u", "root", "--private-key", key,
                   "--ssh-common-args", f"-o UserKnownHostsFile={place}/known -o ControlMaster=no", EXAMPLES / "ansible/mainstay.yml"]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": place, "ANSIBLE_HOME": place}
        try:
            for expected in ("changed=2", "changed=0"):
                done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENT)
                assert done.returncode == 0, done.stdout + done.stderr
                recap = [line for line in done.stdout.splitlines() if "unreachable=" in line]
                assert len(recap) == 3 and all(expected in line for line in recap), done.stdout
                check_all_hear(cluster)
        finally:
            cluster.on_all(lambda node: node.run("mv /root/.ssh/kept /root/.ssh/authorized_keys"))
    check_no_trust(cluster)


def check_no_trust(cluster):
    """Of each node every other one knows just the key that it has."""
    for node in cluster.nodes():
        known = node.path("var/lib/mainstay/ssh/known_hosts").read_text()
        for other in cluster.nodes():
            if other is not node:
                own = other.path("etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[1]
                assert own in known, f"{node.name} does not know {other.name}"
        said = setup(node)
        assert not any("on trust" in step["text"] for step in said["steps"]), said


@scenario(kind=Fresh)
def cloud_init_sets_three_nodes_up(cluster):
    """By the example's user-data, with nobody there and all at the same time: its files, the
    machine's own key, and its commands, word by word."""
    import yaml

    kept = "etc/ssh/kept"
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["sh", EXAMPLES / "cloud-init/make-user-data", *(f"{node.name}={node.address}" for node in cluster.nodes())],
                       cwd=place, check=True, stdout=subprocess.DEVNULL)
        data = {node.name: yaml.safe_load(Path(place, f"{node.name}.user-data").read_text()) for node in cluster.nodes()}

    def write(node, path, text, mode="0644"):
        node.run(f"mkdir -p $(dirname {path}); install -m {mode} /dev/stdin {path}", input=text)

    def begin(node):
        node.run(f"mkdir -p /{kept}; cp -p /etc/ssh/ssh_host_* /{kept}")
        keys = data[node.name]["ssh_keys"]
        write(node, "/etc/ssh/ssh_host_ed25519_key", keys["ed25519_private"], "0600")
        write(node, "/etc/ssh/ssh_host_ed25519_key.pub", keys["ed25519_public"] + "\n")
        node.run(SSHD)    # at a boot it comes later
        for file in data[node.name]["write_files"]:
            write(node, file["path"], file["content"], file.get("permissions", "0644"))
        for command in data[node.name]["runcmd"]:
            node.run(command, timeout=PATIENT)

    try:
        cluster.on_all(begin)
        check_all_hear(cluster)
        for node in cluster.nodes():
            text = node.run(["mainstayctl", "setup"]).stdout
            assert "ready; nothing had to be changed" in text, text
            assert not node.path("root/mainstay.key").exists()
        check_no_trust(cluster)
        # A machine that is put in the place of another is not taken for it, until somebody says so.
        db2 = cluster.node("db2")
        db2.run(f"cp -p /{kept}/* /etc/ssh/; {SSHD}")
        text = missing(setup(cluster.node("db1"), "--check", status=1))["peers"][0]
        assert "ssh-keygen -R" in text[1], text
        lines = db2.run(["mainstayctl", "setup", "--keys"]).stdout
        said = setup(cluster.node("db1"), "--peer-keys", "-", input=lines)
        assert any("in place of another one" in step["text"] for step in said["steps"]), said
    finally:
        cluster.on_all(lambda node: node.run(f"cp -p /{kept}/* /etc/ssh/; {SSHD}; rm -r /{kept} /etc/mainstay/nodes.keys", check=False))


class Plain(Replicas):
    """Replicas that have never heard of Mainstay."""

    def make_whole(self):
        super().make_whole()
        if any(is_set_up(node, self.flavour.unit) for node in self.lab.nodes):
            undo(self)


@scenario(kind=Plain)
def replicas_are_set_up_by_one_command_and_it_is_taken_back(replicas):
    """The account that replicates reaches each of them, and the primary's accounts all of them."""
    replicas.primary().rows("DROP USER IF EXISTS 'mainstay'@'localhost'")    # the lab's own
    # One that has less than it needs is given that, and outlives the undoing.
    if replicas.primary().rows("SELECT 1 FROM mysql.user WHERE User = 'mysql' AND Host = 'localhost'"):
        replicas.primary().rows("REVOKE EVENT ON *.* FROM 'mysql'@'localhost'")
    replicas.wait_replicated()
    unit = replicas.flavour.unit
    first, *rest = replicas.lab.nodes
    names = [node.name for node in rest]
    for node in replicas.nodes():
        node.run("mkdir -p /etc/mainstay/conf.d; cat > /etc/mainstay/conf.d/peers.conf",
                 input="[peers]\n" + "".join(f"{other.name} = {other.name}\n" for other in replicas.nodes() if other is not node))
    before = replicas.on_all(lambda node: as_it_is(node, unit))
    try:
        began = time.monotonic()
        account = ["--replication-user", REPLICATION_USER, "--replication-password-file", "-"]
        said = setup(first, *account, *names, input=REPLICATION_PASSWORD + "\n")
        took = time.monotonic() - began
        print(f"         three nodes were set up in {took:.1f} s", flush=True)
        assert took < A_MINUTE, f"setup took {took:.0f} s"
        assert said["ready"] and said["changed"], said
        for node in replicas.nodes():
            assert node.run(["stat", "-c", "%a %U", "/etc/mainstay/replication.cnf"]).stdout == "600 root\n"
            replicas.wait(lambda: replicas.hears_all(node), f"{node.name} to hear all others")
        made = replicas.on_all(lambda node: as_it_is(node, unit))
        again = setup(first, *account, *names, input=REPLICATION_PASSWORD + "\n")
        assert again["ready"] and not again["changed"] and not any(one["changed"] for one in all_of(again)), again
        for node in replicas.nodes():
            check_same(node, made[node.name], as_it_is(node, unit))
        # Another password: the agents have it, too.
        agents = replicas.on_all(lambda node: server_of(node, "mainstayd"))
        assert setup(first, *account, *names, input="other\n")["changed"]
        for node in replicas.nodes():
            assert server_of(node, "mainstayd") != agents[node.name], f"the agent of {node.name} has the old password"
            assert "other" in node.run(["cat", "/etc/mainstay/replication.cnf"]).stdout
    finally:
        said = undo(replicas)
    assert said["ready"], said
    replicas.wait_replicated()
    for node in replicas.nodes():
        check_same(node, before[node.name], as_it_is(node, unit))
        node.run("rm /etc/mainstay/conf.d/peers.conf; rmdir /etc/mainstay/conf.d")

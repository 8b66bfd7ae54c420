"""What is set up in another way than Mainstay expects, or is broken: it is said in a clear
message, and the server keeps working."""

from cluster import PATIENT
from fresh import DROPIN, Fresh, missing, server_of, setup
from scenario import scenario

DIRECTORY = "/etc/systemd/system/mariadb.service.d"
EDITED = f"{DIRECTORY}/override.conf"
BROKEN = "/etc/mainstay/conf.d/broken.conf"


def texts(found, step):
    return " ".join(text + " " + remedy for text, remedy in found.get(step, []))


def says(node, *words):
    """All that a command of mainstayctl's says, in one line."""
    done = node.run(["mainstayctl", *words], check=False, timeout=PATIENT)
    return " ".join((done.stdout + done.stderr).split())


@scenario
def a_drop_in_that_takes_the_gate_away_is_named(cluster):
    """With its file and line, by setup and by the doctor, until it has another name; the
    server starts all the while."""
    node = cluster.node("db3")
    for line, what in (("ExecStartPre=", "ExecStartPre"), ("NotifyAccess=main", "NotifyAccess"), ("EnvironmentFile=-/etc/default/mysql", "EnvironmentFile")):
        node.run(f"mkdir -p {DIRECTORY} && cat > {EDITED} && systemctl daemon-reload", input=f"# of somebody's\n[Service]\n{line}\n")
        try:
            for words in (["--check"], []):
                text = texts(missing(setup(node, *words, status=1)), "unit")
                assert f"{EDITED}:3: {what}" in text and "sorts before" in text, text
            assert f"{EDITED}:3" in says(node, "doctor")
            node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
            cluster.wait_synced()
        finally:
            node.run(f"rm -r {DIRECTORY}; systemctl daemon-reload")
    # As it is told to: before ours, it is taken over.
    early = EDITED.replace("override", "10-override")
    node.run(f"mkdir -p {DIRECTORY} && cat > {early} && systemctl daemon-reload", input="[Service]\nExecStart=\nExecStart=/usr/sbin/mariadbd --skip-name-resolve\n")
    try:
        text = texts(missing(setup(node, "--check", status=1)), "unit")
        assert "not what it should be by now" in text, text
        setup(node)
        start = node.run(["systemctl", "show", "-P", "ExecStart", "mariadb"]).stdout
        assert "--skip-name-resolve $_WSREP_NEW_CLUSTER $_WSREP_START_POSITION" in start, start
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.wait_synced()
    finally:
        node.run(f"rm -r {DIRECTORY}; systemctl daemon-reload")
        setup(node)
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
    cluster.check()


@scenario
def a_configuration_that_is_wrong_changes_nothing(cluster):
    """It is refused with its file and line, by a reload, by setup and by the doctor; what was
    in force stays; and where the agent cannot start with it, the server does, as a joiner."""
    node = cluster.node("db2")
    before = server_of(node, "mariadb")
    for text, words in (("[node]\nweight = heavy\n", f"{BROKEN}:2: weight is \"heavy\""), ("[peers]\ndb1 = a b\n", f"{BROKEN}:2: the address of db1"),
                        ("[agent]\nboot_wait = 5\nboot_wait = 6\n", f"{BROKEN}:3: boot_wait is set a second time"), ("# x\nunit\n", f"{BROKEN}:2: ")):
        node.run(f"mkdir -p /etc/mainstay/conf.d; cat > {BROKEN}", input=text)
        try:
            node.run(["systemctl", "reload", "mainstayd"], check=False)
            cluster.wait_said("db2", words)
            assert words in says(node, "setup"), says(node, "setup")
            assert words in says(node, "setup", "--check")
            assert words in says(node, "doctor")
            assert cluster.state("db2") == "ONLINE"
            assert server_of(node, "mariadb") == before
        finally:
            node.run(f"rm {BROKEN}")
    node.run(f"cat > {BROKEN}", input="[node]\nweight = heavy\n")
    try:
        node.run(["systemctl", "restart", "--no-block", "mainstayd"])
        cluster.wait(lambda: "agent, mainstayd, does not run" in says(node, "status"), "the agent to be gone")
        cluster.wait(lambda: f"{BROKEN}:2" in cluster.unit_status("db2", "mainstayd"), "the agent's unit to say why")
        node.run(["systemctl", "restart", "mariadb"], timeout=PATIENT)
        cluster.wait_synced()
    finally:
        node.run(f"rm {BROKEN}; rmdir /etc/mainstay/conf.d; systemctl restart mainstayd")
    cluster.check()


@scenario
def without_ssh_it_is_said_and_the_server_goes_on(cluster):
    """No client here: this node hears nobody, and says why. No server here: nobody hears it."""
    node = cluster.node("db1")
    before = server_of(node, "mariadb")
    node.run("mkdir /root/away; mv /usr/bin/ssh /usr/bin/ssh-keygen /usr/bin/ssh-keyscan /root/away; systemctl restart mainstayd")
    try:
        text = texts(missing(setup(node, "--check", status=1)), "ssh")
        assert "openssh-client" in text and "ssh-keyscan" in text, text
        assert "by ssh this node's agent reaches the others" in says(node, "doctor")
        cluster.wait(lambda: "there is no ssh on this machine" in says(node, "status"), f"status to say why: {says(node, 'status')}")
        text = says(node, "setup", "db2", "db3")
        assert "openssh-client" in text, text
        assert server_of(node, "mariadb") == before
    finally:
        node.run("mv /root/away/* /usr/bin; rmdir /root/away; systemctl restart mainstayd")
    cluster.wait(lambda: cluster.hears_all(node), "db1 to hear all others again")

    node.run("systemctl stop ssh.socket; systemctl stop ssh.service", check=False)
    try:
        text = texts(missing(setup(node, "--check", status=1)), "ssh")
        assert "an sshd that runs" in text and "enable --now ssh" in text, text
        text = texts(missing(setup(cluster.node("db2"), "--check", status=1)), "peers")
        assert "is sshd running there" in text, text
        assert server_of(node, "mariadb") == before
    finally:
        node.run("systemctl start ssh.service")
    cluster.check()


def put_second(node):
    """Another server on this machine, as MariaDB's own template has it."""
    node.run("cat > /etc/mysql/mariadb.conf.d/70-second.cnf; install -d -o mysql -g mysql /srv/second",
             input="[mariadbd.a]\ndatadir=/srv/second\nsocket=/run/mysqld/second.sock\nport=3307\npid_file=/run/mysqld/second.pid\nwsrep_on=OFF\n"
                   "innodb_buffer_pool_size=16M\ninnodb_log_file_size=16M\n")
    node.run(["systemctl", "start", "mariadb@a"], timeout=PATIENT)


def take_second(node):
    node.run("systemctl stop mariadb@a; rm -rf /etc/mysql/mariadb.conf.d/70-second.cnf /srv/second", check=False, timeout=PATIENT)


@scenario(kind=Fresh)
def a_second_server_on_the_machine_is_left_alone(cluster):
    """mariadb@a beside mariadb: setup says that it is there, and neither the gate nor undoing
    has anything to do with it. By itself it is refused, and runs on."""
    node = cluster.node("db1")
    put_second(node)
    try:
        second = server_of(node, "mariadb@a")
        said = setup(node, status=1)
        notes = " ".join(step["text"] for step in said["steps"] if (step["step"], step["state"]) == ("unit", "note"))
        assert "mariadb@a.service" in notes and "mariadb.service alone" in notes, notes
        assert not list(missing(said)) or "unit" not in missing(said), missing(said)
        assert "mainstay" not in node.run(["systemctl", "cat", "mariadb@a"]).stdout
        node.run(["systemctl", "restart", "mariadb@a"], timeout=PATIENT)
        second = server_of(node, "mariadb@a")
        setup(node, "--undo")
        assert server_of(node, "mariadb@a") == second

        # Where it is the one that is meant.
        node.run("mkdir -p /etc/mainstay/conf.d; printf '[node]\\nunit = mariadb@a.service\\n' > /etc/mainstay/conf.d/unit.conf")
        text = texts(missing(setup(node, status=1)), "unit")
        assert "mariadb@a.service" in text and "instance of a template" in text, text
        assert not node.path(DROPIN.format("mariadb@a.service")).exists()
        assert server_of(node, "mariadb@a") == second
    finally:
        take_second(node)
        node.run("rm -rf /etc/mainstay/conf.d; mainstayctl setup --undo", check=False)
    cluster.wait_synced()


@scenario(kind=Fresh)
def a_unit_under_another_name_is_found_and_supported(cluster):
    """Where none of the usual ones is there, setup names the one that runs the server; named
    in mainstay.conf, that one passes the gate, and the agent may start and stop it."""
    node = cluster.node("db2")
    unit = "mariadb-shop.service"
    node.run("systemctl stop mariadb; systemctl mask --runtime mariadb mysql mysqld; cp /lib/systemd/system/mariadb.service /run; "
             f"grep -v '^Alias=' /run/mariadb.service > /etc/systemd/system/{unit}; systemctl daemon-reload", timeout=PATIENT)
    try:
        node.run(["systemctl", "start", unit], timeout=PATIENT)
        cluster.wait_synced()
        before = server_of(node, unit)
        text = texts(missing(setup(node, status=1)), "unit")
        assert f"A server is run by {unit}" in text and f"unit = {unit}" in text, text
        assert server_of(node, unit) == before
        node.run(f"mkdir -p /etc/mainstay/conf.d; printf '[node]\\nunit = {unit}\\n' > /etc/mainstay/conf.d/unit.conf")
        found = missing(setup(node, status=1))
        assert "unit" not in found and node.path(DROPIN.format(unit)).exists(), found
        assert unit in node.path("etc/polkit-1/rules.d/50-mainstay-unit.rules").read_text()
        node.run(["systemctl", "restart", "mainstayd"])
        node.run(["systemctl", "restart", unit], timeout=PATIENT)
        gate = node.run(["systemctl", "show", "-P", "ExecStartPre", unit]).stdout
        assert "mainstay-gate ; ignore_errors=no" in gate and "status=0" in gate, gate
        cluster.wait(lambda: cluster.state("db2") == "ONLINE", "the agent to follow that unit")
        cluster.wait_synced()
    finally:
        node.run(f"mainstayctl setup --undo; systemctl stop {unit}; rm -rf /etc/systemd/system/{unit}* /etc/mainstay/conf.d; "
                 "systemctl unmask --runtime mariadb mysql mysqld; systemctl daemon-reload; systemctl start mariadb", check=False, timeout=PATIENT)
    cluster.wait_synced()
    assert not node.path("etc/polkit-1/rules.d/50-mainstay-unit.rules").exists()


@scenario
def a_server_whose_data_are_not_mounted_does_not_begin_anew(cluster):
    """On a file system of its own all is as ever; where that is not there, the server does not
    start on the empty directory below, and setup and the doctor say why."""
    node = cluster.node("db3")
    data, place = "/var/lib/mysql", "/srv/data"
    good, bad = (f"echo '{place} {data} {kind} 0 0' > /etc/fstab; systemctl daemon-reload" for kind in ("none bind", "nosuchfs defaults"))
    node.run(f"systemctl stop mariadb mainstayd; mv {data} {place}; install -d -o mysql -g mysql -m 755 {data}; "
             f"{good}; systemctl start var-lib-mysql.mount; systemctl start mainstayd mariadb", timeout=PATIENT)
    try:
        cluster.wait_synced()
        assert setup(node, "--check")["ready"]
        # The disk does not come back.
        node.run(f"systemctl stop mariadb mainstayd; systemctl stop var-lib-mysql.mount; {bad}; systemctl start mainstayd", timeout=PATIENT)
        assert node.run(["systemctl", "start", "mariadb"], check=False, timeout=PATIENT).returncode != 0
        assert list(node.path(data).iterdir()) == [], "a server has begun anew"
        text = texts(missing(setup(node, "--check", status=1)), "groups")
        assert "not mounted" in text and "systemctl start var-lib-mysql.mount" in text, text
        assert "not mounted" in says(node, "doctor")
        node.run(f"{good}; systemctl reset-failed; systemctl start mariadb", timeout=PATIENT)
        cluster.wait_synced()
    finally:
        node.run(f"systemctl stop mariadb mainstayd; systemctl stop var-lib-mysql.mount; rmdir {data} && mv {place} {data}; "
                 "rm /etc/fstab; systemctl daemon-reload; systemctl reset-failed; systemctl start mainstayd mariadb", check=False, timeout=PATIENT)
    cluster.check()

"""The ways in which nodes that went down are brought back, for comparison on the same
nodes: what each needs on them, and what it does when they are on again.

Nothing of one way is left while another is tried: units, drop-in and notification are
changed on the disks, while the nodes are off.
"""

import re
import time

from lablib.host import host_run

DROPIN = "etc/mainstay/units/mariadb.service.conf"
NOTIFY = "etc/mysql/mariadb.conf.d/90-mainstay.cnf"
AWAY = ".away"
MAINSTAY, SERVER, PACEMAKER = ["mainstayd"], ["mariadb"], ["corosync", "pacemaker"]

SEQNO = re.compile(r"^seqno: *(-?\d+)", re.MULTILINE)
POSITION = re.compile(r"Recovered position: ([0-9a-f-]{36}):(-?\d+)")
RECOVER = ("runuser -u mysql -- mariadbd --wsrep-recover --skip-networking --disable-log-error "
           "--socket=/tmp/recover.sock --pid-file=/tmp/recover.pid 2>&1")
SAFE = ("sed -i 's/safe_to_bootstrap: 0/safe_to_bootstrap: 1/' /var/lib/mysql/grastate.dat; "
        "rm -f /var/lib/mysql/gvwstate.dat; galera_new_cluster")
JOIN = "rm -f /var/lib/mysql/gvwstate.dat; systemctl start --no-block mariadb"

COROSYNC = """\
totem {{
    version: 2
    cluster_name: lab
    transport: knet
    crypto_cipher: none
    crypto_hash: none
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
}}
logging {{
    to_syslog: yes
}}
"""
COROSYNC_NODE = "    node {{\n        name: {name}\n        nodeid: {number}\n        ring0_addr: {address}\n    }}\n"

# As the agent's own documentation has it; there is nothing here to fence a node with.
RESOURCE = """\
property stonith-enabled=false
primitive galera ocf:heartbeat:galera \\
    params enable_creation=true wsrep_cluster_address="gcomm://{members}" \\
    op start timeout=120s interval=0 op stop timeout=120s interval=0 \\
    op promote timeout=300s interval=0 op demote timeout=120s interval=0 \\
    op monitor interval=20s timeout=30s op monitor interval=10s timeout=30s role=Promoted \\
    op monitor interval=30s timeout=30s role=Unpromoted
clone galera-clone galera meta promotable=true promoted-max=3 interleave=true
"""


class Way:
    """`units` start at boot; `heal`(cluster, nodes) is what a person does after it, if anybody."""

    def __init__(self, name, units, heal=None, deadtime=None):
        self.name, self.units, self.heal, self.deadtime = name, units, heal, deadtime

    def enable(self, cluster):
        """Whether the next boot is this way's. All nodes are off."""
        ours = MAINSTAY[0] in self.units
        for node in cluster.lab.nodes:
            others = {*MAINSTAY, *SERVER, *PACEMAKER} - set(self.units)
            there = [unit for unit in others if unit not in PACEMAKER or node.path("usr/sbin/pacemakerd").exists()]
            if there:
                host_run("systemctl", f"--root={node.root}", "disable", "-q", *there)
            if self.units:
                host_run("systemctl", f"--root={node.root}", "enable", "-q", *self.units)
            for name in (DROPIN, NOTIFY):
                here, away = node.path(name), node.path(name + AWAY)
                if ours and away.exists():
                    away.rename(here)
                elif not ours and here.exists():
                    here.rename(away)
            if self.units == PACEMAKER:
                corosync_write(cluster, node)

    def begin(self, cluster, timeout=240):
        """All nodes are on and Synced in this way, whatever they were before."""
        lab = cluster.lab
        lab.cut()
        if self.units == SERVER or self.heal:
            # Nobody else brings them up from everything.
            SCRIPT.enable(cluster)
            lab.boot()
            by_script(cluster, lab.nodes)
            lab.wait_synced(timeout=timeout)
            for node in lab.nodes:
                host_run("systemctl", f"--root={node.root}", "enable" if self.units else "disable", "-q", *SERVER)
            return
        self.enable(cluster)
        lab.boot()
        if self.units == PACEMAKER:
            pacemaker_configure(cluster, self.deadtime)
        lab.wait_synced(timeout=timeout)


def by_script(cluster, nodes):
    """What a person with perfect knowledge would have scripted: the position from where
    it is known, from all at once; bootstrap the right one; start the others."""
    def position(node):
        seqno = int(SEQNO.search(node.path("var/lib/mysql/grastate.dat").read_text())[1])
        return seqno if seqno >= 0 else int(POSITION.search(node.run(RECOVER, check=False).stdout)[2])

    found = cluster.on_all(position, *(node.name for node in nodes))
    leader = max(sorted(found), key=found.get)
    cluster.node(leader).run(SAFE, timeout=120)
    cluster.on_all(lambda node: node.run(JOIN), *(name for name in found if name != leader))


def corosync_write(cluster, node):
    nodes = "".join(COROSYNC_NODE.format(name=other.name, number=number, address=other.address)
                    for number, other in enumerate(cluster.lab.nodes, 1))
    node.path("etc/corosync/corosync.conf").write_text(COROSYNC.format(nodes=nodes))
    # The agent lets its server log there, and does not make it.
    host_run("chroot", node.root, "install", "-d", "-o", "mysql", "-g", "adm", "/var/log/mysql")


def pacemaker_configure(cluster, deadtime):
    """Its resource, unless it is there, and how long it waits for others: None, its default."""
    node = cluster.lab.nodes[0]
    cluster.wait(lambda: node.run("crm_mon -1", check=False).stdout.count("Online: [ db1 db2 db3 ]"),
                 "Pacemaker to see all nodes")
    if node.run("crm_resource --resource galera --query-xml", check=False).returncode != 0:
        node.run("crm -F configure load update -", input=RESOURCE.format(members=",".join(cluster.lab.names())))
    pacemaker_deadtime(cluster, deadtime)


def pacemaker_deadtime(cluster, deadtime):
    node = cluster.lab.nodes[0]
    node.run(f"crm_attribute --name dc-deadtime --update {deadtime}" if deadtime
             else "crm_attribute --name dc-deadtime --delete")
    time.sleep(1)   # every node writes its own copy


OURS = Way("Mainstay", MAINSTAY + SERVER)
ALONE = Way("the servers alone", SERVER)
SCRIPT = Way("a perfect script", [], by_script)
DEFAULT = Way("Pacemaker, defaults", PACEMAKER)
QUICK = Way("Pacemaker, dc-deadtime=3s", PACEMAKER, deadtime="3s")
WAYS = {"mainstay": OURS, "alone": ALONE, "script": SCRIPT, "pacemaker": DEFAULT, "pacemaker3": QUICK}

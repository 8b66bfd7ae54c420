"""Nodes on which nobody has set Mainstay up yet: what is there before, and whether it is
so again."""

import json
import time

from cluster import PATIENT, Cluster
from lablib import Lab, LabError

DROPIN = "etc/mainstay/units/{}.conf"

# Of every file, directory and link its kind, mode, owner and content. What passwd's tools
# keep of the file before is no configuration.
ETC = r"find /etc -not -name '*-' -printf '%p %y %m %U:%G %l\n' | sort; find /etc -type f -not -name '*-' | sort | xargs -d '\n' sha256sum"
UNITS = "systemctl list-unit-files --no-legend --no-pager | awk '{{print $1, $2}}' | sort; systemctl cat {unit}"
DATADIR = "stat -c '%n %a %U:%G' /var/lib/mysql"
ACCOUNTS = "SELECT User, Host, plugin FROM mysql.user ORDER BY 1, 2"


class Fresh(Cluster):
    """A cluster of MariaDB's that has never heard of Mainstay; a ledger for as long as it lives."""

    UNIT = "mariadb.service"

    @staticmethod
    def lab_of(deb, name, image, count=3, by_address=False):
        return Lab(count, name=name, image=image, deb=deb, by_address=by_address)

    @classmethod
    def form(cls, lab):
        lab.form_cluster_stock()
        return cls(lab)

    def make_whole(self):
        """What every scenario begins with: all nodes on, Synced, and not set up."""
        if off := [node.name for node in self.lab.nodes if node.state() == "off"]:
            self.lab.boot(*off)
        self.wait_synced()
        if any(is_set_up(node, self.UNIT) for node in self.lab.nodes):
            undo(self)
        # What an agent kept of scenarios before: alone among servers without agents, a node
        # with a past waits for them, and is right.
        self.on_all(lambda node: node.run("systemctl is-active -q mainstayd || rm -f /var/lib/mainstay/state.json"))
        self.since = time.time()


def is_set_up(node, unit):
    return node.path(DROPIN.format(unit)).exists()


def as_it_is(node, unit):
    """All of a node that setup changes."""
    return {
        "etc": node.run(ETC).stdout.splitlines(),
        "units": node.run(UNITS.format(unit=unit)).stdout.splitlines(),
        "datadir": node.run(DATADIR).stdout.splitlines(),
        "accounts": node.rows(ACCOUNTS),
        "server": server_of(node, unit),
    }


def server_of(node, unit):
    """Which process it is: one that was started anew is another."""
    return node.run(["systemctl", "show", "--property=MainPID,ExecMainStartTimestampMonotonic", unit]).stdout


def check_same(node, before, after):
    for what, was in before.items():
        if was == after[what]:
            continue
        gone = [line for line in was if line not in after[what]]
        new = [line for line in after[what] if line not in was]
        raise AssertionError(f"{node.name}: {what} is not what it was: gone: {gone}; new: {new}")


def setup(node, *words, status=0, **options):
    """Types `mainstayctl setup` with --json; returns what it says."""
    done = node.run(["mainstayctl", "setup", "--json", *words], check=False, timeout=PATIENT, **options)
    assert done.returncode == status, f"{node.name}: setup {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}"
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise LabError(f"{node.name}: {done.stdout}{done.stderr}") from None


def undo(cluster, *words):
    first, *others = cluster.lab.nodes
    return setup(first, "--undo", *words, *(node.name for node in others))


def missing(said):
    """What one node lacks, as {step: [(text, remedy)]}."""
    found = {}
    for step in said["steps"]:
        if step["state"] == "missing":
            found.setdefault(step["step"], []).append((step["text"], step["remedy"] or ""))
    return found

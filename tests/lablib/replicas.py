"""Nodes of which one is a primary, and the others are its replicas by GTID."""

import shutil
from concurrent.futures import ThreadPoolExecutor

from .disk import DATADIR
from .flavour import REPLICATION_PASSWORD, REPLICATION_USER
from .host import LabError, host_run
from .image import image_build, image_flavour
from .lab import Lab
from .ledger import Ledger, ledger_rows
from .profile import ReplicaProfile
from .wait import wait_until

PRIMARY = "db1"

# Not root, who may write wherever read_only stands.
WRITER = "writer"
PROBE = "mainstay"

# As of what comes from outside, and from nobody but the lab itself.
ACCOUNTS = """\
CREATE USER '{replication}'@'%' IDENTIFIED {with_password} '{password}';
GRANT {replication_grants} ON *.* TO '{replication}'@'%';
CREATE USER '{probe}'@'localhost' IDENTIFIED {by_uid};
{probe_grants}
CREATE USER '{writer}'@'localhost' IDENTIFIED {with_password} '';
GRANT SELECT, INSERT ON lab.* TO '{writer}'@'localhost'"""

TABLES = """\
SELECT CONCAT('`', table_schema, '`.`', table_name, '`') FROM information_schema.tables
WHERE table_type = 'BASE TABLE'
  AND table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
ORDER BY 1"""


class ReplicatedLab(Lab):
    """A Lab without Galera: db1 begins as the primary, all others follow it.

        with ReplicatedLab(3) as lab:
            with lab.ledger() as ledger: ...
            ledger.check(lab.nodes)
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.flavour = image_flavour(self.image)
        self.primary = PRIMARY

    def _profile(self, addresses):
        return ReplicaProfile(addresses, self.flavour, self.primary, **self._options)

    def _begin(self):
        super()._begin()
        self.form_replication()

    # The topology.

    def replicas(self):
        return [node for node in self.nodes if node.name != self.primary]

    def form_replication(self):
        """Makes the accounts and the ledger's table on the primary, and lets fresh replicas follow it."""
        self.wait_servers()
        primary = self.node(self.primary)
        self.create_ledger(primary)
        primary.rows(ACCOUNTS.format(
            replication=REPLICATION_USER, password=REPLICATION_PASSWORD, probe=PROBE,
            replication_grants=self.flavour.replication_grants,
            writer=WRITER, with_password=self.flavour.with_password, by_uid=self.flavour.by_uid,
            probe_grants="\n".join(f"GRANT {grant} TO '{PROBE}'@'localhost';"
                                   for grant in self.flavour.probe_grants)))
        for node in self.replicas():
            self.follow(node)
        self.wait_replicated()

    def follow(self, node, source=None, **options):
        """Lets a node replicate from another (by name; default: the primary)."""
        node.rows(f"{self.flavour.follow(source or self.primary, **options)}; {self.flavour.start}")

    def promote(self, node):
        """Makes a node the primary: in force now and after its next start. Nobody is told to follow it."""
        node.rows(f"{self.flavour.stop}; {self.flavour.forget}; SET GLOBAL read_only = OFF")
        node.path(self.flavour.read_only_file).unlink()
        self.primary = node.name

    def begin_again(self):
        """The topology as it was at first, with nothing in the databases."""
        self.primary = PRIMARY
        profile = self._profile({node.name: node.address for node in self.nodes})
        for node in self.nodes:
            profile.write_server(node.root, node.name)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.renew, self.nodes))
        self.form_replication()

    def renew(self, node):
        """Gives a node the datadir of a new server."""
        image = image_build(self.image)
        node.run(["systemctl", "stop", self.flavour.unit], timeout=120)
        datadir = node.path(DATADIR)
        for path in datadir.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        host_run("cp", "-a", "--reflink=auto", f"{image / DATADIR}/.", datadir, timeout=120)
        node.run(["systemctl", "start", self.flavour.unit], timeout=120)

    # What they say.

    def replication(self, node):
        """What its server says of its replication (flavour.Replication); None where it follows nobody."""
        return self.flavour.replication(node)

    def words_of(self, node):
        said = self.replication(node)
        role = f"follows {said.source}, io {said.io}, sql {said.sql}" if said else "follows nobody"
        return f"{role}, {self.flavour.executed(node)}"

    def diagnosis(self):
        words = [f"{node.name}: {node._words_of(lambda n=node: str(self.replication(n)))}"
                 for node in self.nodes]
        return "\n".join([super().diagnosis(), *words])

    # What must hold.

    def wait_servers(self, *names, timeout=60):
        """Waits until the servers of these nodes (default: all) answer."""
        for node in self._chosen(names):
            self.wait_until(lambda: node.sql("SELECT 1"), timeout, f"the server of {node.name}")

    def wait_replicated(self, *names, timeout=60):
        """Waits until these nodes (default: all replicas) replicate, and have all that the primary has now."""
        gtids = self.flavour.executed(self.node(self.primary))
        for node in self._chosen(names or [node.name for node in self.replicas()]):
            wait_until(lambda: self.is_replicating(node), timeout, f"{node.name} to replicate")
            if not self.flavour.wait_for(node, gtids, timeout):
                raise LabError(f"{node.name} has not come to {gtids} after {timeout} s: {self.words_of(node)}")

    def is_as_at_first(self):
        """Whether db1 alone can be written and follows nobody, and the ids are those of the nodes."""
        said = [node.sql(f"SELECT @@server_id, @@{self.flavour.read_only}") for node in self.nodes]
        return (self.primary == PRIMARY and self.replication(self.node(PRIMARY)) is None
                and said == [f"{number}\t{int(number > 1)}" for number in range(1, self.count + 1)])

    def is_replicating(self, node):
        """Whether both of its threads run, and follow the primary."""
        said = self.replication(node)
        return bool(said) and (said.source, said.io, said.sql) == (self.primary, "Yes", "Yes")

    def check_tables(self):
        """Raises AssertionError unless all nodes have the same tables with the same checksums."""
        sums = {}
        for node in self.nodes:
            tables = [name for name, in node.rows(TABLES)]
            sums[node.name] = node.rows(f"CHECKSUM TABLE {', '.join(tables)}", timeout=120)
        first = sums[self.primary]
        assert first and all(checksum for _, checksum in first), f"no checksums: {first}"
        for name, these in sums.items():
            assert these == first, f"tables of {name} are not those of {self.primary}: {these}, {first}"

    def ledger(self, nodes=None, pace=0.05):
        """A ledger written through the primary, or through these nodes."""
        ledger = ReplicatedLedger(self, nodes or [self.node(self.primary)], pace)
        self._ledgers.append(ledger)
        return ledger


class ReplicatedLedger(Ledger):
    """A Ledger whose rows come to the other nodes by replication, later."""

    def __init__(self, lab, nodes, pace):
        super().__init__(nodes, pace, user=WRITER)
        self._lab = lab

    def check(self, nodes, timeout=30):
        """Stops writing, and raises AssertionError unless `nodes` have every
        acknowledged row, and all nodes of the lab the same tables."""
        self.stop()
        self._lab.wait_replicated(timeout=timeout)
        self.check_rows({node.name: ledger_rows(node, timeout) for node in nodes})
        self._lab.check_tables()

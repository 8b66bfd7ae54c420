"""What makes a root into the node of a lab: its files, before it boots."""

import re
import uuid
from pathlib import Path

from .flavour import MariaDB
from .host import host_run

SERVER_FILE = "etc/mysql/mariadb.conf.d/60-galera.cnf"

SERVER = """\
[mysqld]
wsrep_on                       = ON
wsrep_provider                 = /usr/lib/galera/libgalera_smm.so
wsrep_cluster_name             = lab
wsrep_cluster_address          = gcomm://{members}
wsrep_node_name                = {node}
wsrep_node_address             = {address}
wsrep_sst_method               = {sst}
wsrep_sst_auth                 = mysql:
wsrep_provider_options         = "gcache.size=64M{provider_options}"
bind_address                   = 0.0.0.0
binlog_format                  = ROW
default_storage_engine         = InnoDB
innodb_autoinc_lock_mode       = 2
innodb_flush_log_at_trx_commit = 1
innodb_buffer_pool_size        = 64M
innodb_log_file_size           = 16M
"""

REPLICA = """\
[mysqld]
server_id                      = {number}
report_host                    = {node}
bind_address                   = 0.0.0.0
log_bin                        = binlog
sync_binlog                    = 1
relay_log                      = relay
relay_log_recovery             = ON
innodb_flush_log_at_trx_commit = 1
innodb_buffer_pool_size        = 64M
{options}"""

READ_ONLY = """\
[mysqld]
{} = ON
"""


class Profile:
    """What the nodes of one lab have in common.

    nodes: {name: address}. With `by_address` the server is told the addresses of
    all nodes, not their names, and not which is its own. `sst` is a
    wsrep_sst_method, `provider_options` is added to the provider's, `mysqld_on`
    leaves the server enabled at boot.
    """

    unit = MariaDB.unit

    def __init__(self, nodes, by_address=False, sst="rsync", provider_options="",
                 mysqld_on=False):
        self.nodes = nodes
        self.by_address = by_address
        self.sst = sst
        self.provider_options = provider_options
        self.mysqld_on = mysqld_on

    def write(self, root, node):
        """Writes all of the node's own files below its root."""
        self._write_identity(root, node)
        self.write_server(root, node)
        _write_keys(root, node)
        if not self.mysqld_on:
            host_run("systemctl", f"--root={root}", "disable", self.unit)

    def _write_identity(self, root, node):
        hosts = "127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in self.nodes.items())
        _write(root, "etc/hosts", hosts)
        _write(root, "etc/hostname", f"{node}\n")
        # Without one, systemd takes the boot for the first and enables everything.
        _write(root, "etc/machine-id", f"{uuid.uuid4().hex}\n")
        _write(root, "etc/lab/network", f"ADDRESS={self.nodes[node]}\n")

    def write_server(self, root, node):
        """Writes what the server is told."""
        members = self.nodes.values() if self.by_address else self.nodes
        options = "; " + self.provider_options if self.provider_options else ""
        text = SERVER.format(node=node, address=self.nodes[node], members=",".join(members),
                             sst=self.sst, provider_options=options)
        if self.by_address:
            text = re.sub("^wsrep_node_address .*\n", "", text, flags=re.MULTILINE)
        _write(root, SERVER_FILE, text)

    def trust(self, roots):
        """Lets root of every node reach root of every other by ssh.

        Only root's files know the hosts: what Mainstay sets up for itself has
        to find them by itself.
        """
        public = {node: (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
                  for node, root in roots.items()}
        known = "".join(f"{node},{self.nodes[node]} {' '.join(key)}\n"
                        for node, key in public.items())
        authorized = "".join((root / "root/.ssh/id_ed25519.pub").read_text()
                             for root in roots.values())
        for root in roots.values():
            _write(root, "root/.ssh/known_hosts", known)
            _write(root, "root/.ssh/authorized_keys", authorized, 0o600)


class ReplicaProfile(Profile):
    """Nodes of which one replicates to the others; the server starts at boot."""

    def __init__(self, nodes, flavour, primary):
        super().__init__(nodes, mysqld_on=True)
        self.unit = flavour.unit
        self._flavour = flavour
        self._primary = primary

    def write_server(self, root, node):
        number = list(self.nodes).index(node) + 1
        _write(root, self._flavour.replica_file, REPLICA.format(
            node=node, number=number, options=self._flavour.replica_options))
        if node != self._primary:
            # A file of its own: who makes a primary of this node removes it.
            _write(root, self._flavour.read_only_file, READ_ONLY.format(self._flavour.read_only))


def _write(root, name, text, mode=0o644):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not through a link of the image, which would be followed on the host.
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _write_keys(root, node):
    directory = root / "root/.ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    for key, comment in ((root / "etc/ssh/ssh_host_ed25519_key", node),
                         (directory / "id_ed25519", f"root@{node}")):
        host_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", key)


def profile_install(root, deb):
    """Installs a Debian package in a root before its first boot, as dpkg does everywhere.

    What it depends on has to be there. No unit is started, for nothing runs yet.
    """
    deb = Path(deb).resolve()
    inside = f"/tmp/{deb.name}"
    host_run("systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit",
             "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
             f"--directory={root}", f"--bind-ro={deb}:{inside}",
             "dpkg", "--force-unsafe-io", "--install", inside, timeout=120)

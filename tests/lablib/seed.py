"""Nodes of a cluster that was stopped in an orderly way, made in no time.

To form a cluster of fresh nodes takes 20 seconds, most of it to copy the same
empty database twice. A seeded lab's nodes begin with one datadir that has been
in a cluster: same uuid, same position, and db1 was the last to leave. They can
be brought up together, too, for there is nothing to transfer.
"""

import hashlib
import os
import shutil
import uuid

from .disk import DATADIR
from .host import host_run
from .image import image_build, image_lock
from .lab import Lab
from .ledger import SCHEMA
from .profile import SERVER

VIEW = """\
my_uuid: {me}
#vwbeg
view_id: 3 {members[0]} 1
bootstrap: 0
{lines}#vwend
"""

SAFE = "safe_to_bootstrap: "


class SeededLab(Lab):
    """A Lab whose nodes once were a cluster, with the ledger's table in it."""

    def up(self, owner=None):
        self._datadir = seed_build(self.image)
        return super().up(owner)

    def _make(self, image, subnet):
        super()._make(image, subnet)
        for node in self.nodes[1:]:
            file = node.path(DATADIR + "/grastate.dat")
            file.write_text(file.read_text().replace(SAFE + "1", SAFE + "0"))

    def form_cluster_stock(self, enable=True):
        """Forms the cluster by Galera's own recovery of a Primary component.

        Each node is told that it was in one view with the others. As all of
        them are at one position, they are Synced at once, without a transfer.
        """
        members = sorted(str(uuid.uuid1()) for _ in self.nodes)
        lines = "".join(f"member: {member} 0\n" for member in members)
        for node, member in zip(self.nodes, members):
            datadir = node.path(DATADIR)
            view = datadir / "gvwstate.dat"
            view.write_text(VIEW.format(me=member, members=members, lines=lines))
            os.chown(view, datadir.stat().st_uid, datadir.stat().st_gid)
            view.chmod(0o660)
        self._start_servers(self.nodes)
        self._finish_forming(enable)


def seed_build(image):
    """The datadir for this image (its name), made by a lab of one node if need be."""
    root = image_build(image)
    digest = hashlib.sha256((SERVER + SCHEMA).encode()).hexdigest()
    path = root.with_name(f"{root.name}.seed-{digest[:8]}")
    if not path.is_dir():
        with image_lock(image):
            if not path.is_dir():
                _build(image, path)
    return path


def _build(image, path):
    """Runs a cluster of one node, and keeps what it leaves."""
    partial = path.with_name(f".{image}.seed.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with Lab(1, name="seed", image=image) as lab:
        lab.form_cluster_stock(enable=False)
        node = lab.nodes[0]
        node.run(["systemctl", "stop", "mariadb"], timeout=120)
        # 64 MB of write-sets that nobody will ask for.
        for name in ("galera.cache", "ibtmp1"):
            node.path(f"{DATADIR}/{name}").unlink(missing_ok=True)
        host_run("cp", "-a", node.path(DATADIR), partial, timeout=120)
    partial.rename(path)

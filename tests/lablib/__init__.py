"""Real database nodes on one machine, for people and for scenario tests.

A node is a Debian root with systemd as its process 1, an overlay over a shared
image, in namespaces of its own, on a bridge that leads nowhere else.

    from lablib import Lab, wait_until

    with SeededLab(3) as lab:
        lab.form_cluster_stock()
        with lab.ledger() as ledger:
            lab.cut("db1", "db2", "db3")
            lab.boot("db1", "db2", "db3")
            ...
        ledger.check(lab.nodes)
"""

from .host import LabError
from .lab import Lab
from .ledger import Ledger
from .node import Node
from .replicas import ReplicatedLab
from .seed import SeededLab
from .wait import wait_until

__all__ = ["Lab", "LabError", "Ledger", "Node", "ReplicatedLab", "SeededLab", "wait_until"]

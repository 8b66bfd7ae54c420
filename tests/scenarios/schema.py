"""Power that goes while a change of the schema is applied."""

import re
import threading
import time

from cluster import GRASTATE, PATIENT
from lablib.client import ClientError, ClientGone
from scenario import scenario

ROWS = 300000    # a change of so many takes a while
ZEROS = "uuid:    00000000-0000-0000-0000-000000000000"


@scenario
def one_cut_in_the_middle_of_a_schema_change_takes_a_full_copy(cluster):
    """A node with zeros in its grastate.dat, and no more data than the others, takes a
    full copy from them, and nobody has to say so."""
    with cluster.ledger:
        cluster.write_some()
    cluster.wait_synced()
    time.sleep(2)    # InnoDB writes its log out once a second
    cluster.lab.cut()
    file = cluster.node("db1").path(GRASTATE)
    file.write_text(re.sub("uuid: .*", ZEROS, file.read_text()))
    with cluster.ledger:
        cluster.lab.boot()
        cluster.write_some(through="db1")
    assert len(cluster.leaders()) == 1 and cluster.leaders() != ["db1"], f"led: {cluster.leaders()}"
    assert cluster.resumed() == []
    cluster.check()


@scenario
def all_cut_in_the_middle_of_a_schema_change_come_back(cluster):
    """All have zeros in their grastate.dat then: the newest leads, the others take a
    full copy of it, and the table is the same on all, whatever became of the change."""
    client = cluster.node("db1").client()
    client.query("USE lab; CREATE TABLE large (id INT PRIMARY KEY AUTO_INCREMENT, t CHAR(200));"
                 f"INSERT INTO large (t) SELECT REPEAT('x', 200) FROM seq_1_to_{ROWS}", timeout=PATIENT)
    with cluster.ledger:
        cluster.write_some()
    cluster.check()
    change = threading.Thread(target=until_cut, args=(client, "ALTER TABLE lab.large ADD COLUMN n INT, ALGORITHM=COPY"))
    change.start()
    cluster.wait(lambda: len(unsafe(cluster)) == 3, "the change to begin on all nodes", interval=0.01)
    cluster.lab.cut()
    change.join()
    assert len(unsafe(cluster)) == 3, "the schema change was over too soon"

    with cluster.ledger:
        cluster.lab.boot()
        cluster.write_some()
    assert len(cluster.leaders()) == 1 and cluster.resumed() == [], f"led: {cluster.leaders()}, resumed: {cluster.resumed()}"
    cluster.check()
    tables = [node.rows("SHOW CREATE TABLE lab.large; SELECT COUNT(*) FROM lab.large") for node in cluster.nodes()]
    assert tables[0] == tables[1] == tables[2] and [str(ROWS)] in tables[0], tables
    cluster.node("db1").rows("DROP TABLE lab.large")


def unsafe(cluster):
    return [node.name for node in cluster.nodes() if ZEROS in node.path(GRASTATE).read_text()]


def until_cut(client, statement):
    """Its server goes away while it runs."""
    try:
        client.query(statement, timeout=PATIENT)
    except (ClientError, ClientGone, OSError):
        pass

"""A script that tells a load balancer whether a node is Synced, as everybody has one."""

from lablib.network import network_answers

CHECK_PORT = 9200
CHECK_UNIT = "bench-check"
PROGRAM = "/usr/local/bin/clustercheck"

# It reads the request, where others sleep for a tenth of a second instead: who ends with
# something unread resets the connection.
CLUSTERCHECK = """\
#!/bin/bash
while read -r line && [ "$line" != $'\\r' ]; do :; done
state=$(mariadb -N -e "SHOW STATUS LIKE 'wsrep_local_state'" | cut -f 2)
if [ "$state" = 4 ]; then
        printf 'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\nContent-Length: 40\\r\\n\\r\\nPercona XtraDB Cluster Node is synced.\\r\\n'
else
        printf 'HTTP/1.1 503 Service Unavailable\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\nContent-Length: 44\\r\\n\\r\\nPercona XtraDB Cluster Node is not synced.\\r\\n'
fi
"""


def check_listen(cluster, node, *prefix):
    """It listens behind socat, which `prefix` is put before, as a unit of its own."""
    node.path(PROGRAM).write_text(CLUSTERCHECK)
    node.run(["chmod", "755", PROGRAM])
    node.run(["systemd-run", "--quiet", f"--unit={CHECK_UNIT}", "--setenv=HOME=/root", *prefix, "socat",
              f"TCP-LISTEN:{CHECK_PORT},fork,reuseaddr,backlog=256", f"EXEC:{PROGRAM},nofork"])
    cluster.wait(lambda: network_answers(node.address, CHECK_PORT) == "open", "the script to listen")

"""The bridge of a lab: its own subnet, and no way out of it.

The host has the last address of the subnet, so that it can probe the nodes; the
nodes have no default route, and no name server.
"""

import json
import socket
from pathlib import Path

from .host import LabError, host_run

BASE = "10.77"
HOST_PART = 254


def network_bridge(lab):
    """An interface's name has 15 characters at most."""
    return f"ml-{lab}"


def network_bridge_apart(lab):
    """The bridge of those who are parted from the others."""
    return f"{network_bridge(lab)}-b"


def network_link(lab, node):
    """The host's end of a node's veth, as systemd-nspawn names it."""
    return f"vb-{lab}-{node}"


def network_address(subnet, number):
    return f"{BASE}.{subnet}.{number}"


def network_subnet_free(taken):
    """A subnet that neither another lab (`taken`) nor this host has."""
    used = set(taken)
    for interface in json.loads(host_run("ip", "-json", "-4", "address")):
        for address in interface["addr_info"]:
            if address.get("local", "").startswith(f"{BASE}."):
                used.add(int(address["local"].split(".")[2]))
    for subnet in range(1, 250):
        if subnet not in used:
            return subnet
    raise LabError(f"no free subnet in {BASE}.0.0/16")


def network_bridge_make(lab, subnet):
    """A bridge that is up at once, for IPv4 alone."""
    bridge = network_bridge(lab)
    host_run("ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0")
    _set("ipv6/conf", bridge, "disable_ipv6", "1")
    # A probe of a node that is away must not make the next one wait for ARP.
    _set("ipv4/neigh", bridge, "retrans_time_ms", "50")
    host_run("ip", "address", "add", f"{network_address(subnet, HOST_PART)}/24", "dev", bridge)
    host_run("ip", "link", "set", bridge, "up")


def _set(kind, interface, name, value):
    path = Path("/proc/sys/net") / kind / interface / name
    if path.exists():
        path.write_text(value)


def network_remove(lab):
    """Removes the bridge, and a veth that outlived its node."""
    bridge = network_bridge(lab)
    for path in Path("/sys/class/net").iterdir():
        if path.name in (bridge, network_bridge_apart(lab)) or path.name.startswith(network_link(lab, "")):
            # A veth goes by itself when the last process of its node is gone.
            host_run("ip", "link", "delete", path.name, check=False)
    if Path("/sys/class/net", bridge).exists():
        raise LabError(f"bridge {bridge} does not go away")


def network_link_slow(lab, node, source, port, rate):
    """What a node is sent from that address and port comes at `rate`, in tc's units; all else as ever."""
    link = network_link(lab, node)
    host_run("tc", "qdisc", "delete", "dev", link, "root", check=False)
    host_run("tc", "qdisc", "add", "dev", link, "root", "handle", "1:", "htb")
    host_run("tc", "class", "add", "dev", link, "parent", "1:", "classid", "1:1", "htb", "rate", rate)
    host_run("tc", "filter", "add", "dev", link, "parent", "1:", "protocol", "ip", "u32",
             "match", "ip", "src", source, "match", "ip", "sport", port, "0xffff", "flowid", "1:1")


def network_link_fast(lab, node):
    """No longer. What waits in the queue is not lost by it, as it would be with the queue."""
    host_run("tc", "class", "change", "dev", network_link(lab, node), "parent", "1:", "classid", "1:1",
             "htb", "rate", "10gbit", check=False)


def network_link_exists(lab, node):
    return Path("/sys/class/net", network_link(lab, node)).exists()


def network_link_set(lab, nodes, up):
    """Takes the links of several nodes down, or up, by one command."""
    batch = "".join(f"link set {network_link(lab, node)} {'up' if up else 'down'}\n"
                    for node in nodes if network_link_exists(lab, node))
    if batch:
        host_run("ip", "-batch", "-", input=batch)


def network_part(lab, nodes):
    """Moves these nodes to a bridge of their own, by one command: there they see
    each other, and nobody else does. Without nodes all are brought together."""
    apart = network_bridge_apart(lab)
    if nodes:
        if not Path("/sys/class/net", apart).exists():
            host_run("ip", "link", "add", apart, "type", "bridge", "forward_delay", "0")
            _set("ipv6/conf", apart, "disable_ipv6", "1")
            host_run("ip", "link", "set", apart, "up")
        links = [network_link(lab, node) for node in nodes]
        bridge = apart
    else:
        ports = Path("/sys/class/net", apart, "brif")
        links = [path.name for path in ports.iterdir()] if ports.is_dir() else []
        bridge = network_bridge(lab)
    if links:
        host_run("ip", "-batch", "-", input="".join(f"link set {link} master {bridge}\n" for link in links))


def network_answers(address, port, timeout=0.1):
    """What a TCP connection meets: "open", "closed" (a host that answers), or None."""
    try:
        socket.create_connection((address, port), timeout=timeout).close()
        return "open"
    except ConnectionRefusedError:
        return "closed"
    except OSError:
        return None

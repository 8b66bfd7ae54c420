"""The ways in which a copy is interrupted, each done to a node of a Service (by its name)."""

from contextlib import contextmanager

from cluster import PATIENT
from lablib.flavour import MariaDB
from lablib.host import host_run
from lablib.network import network_link_fast, network_link_slow

# A source does badly: what makes the copy there claims that all went well, after so many bytes.
CUT_SHORT = """#!/bin/sh
case "$*" in
*--backup*|*--all-databases*) {real} "$@" 2>/tmp/log | head -c {bytes}; cat /tmp/log >&2; echo "completed OK!" >&2 ;;
*) exec {real} "$@" ;;
esac
"""
# Or it pauses after them, until it is let go on. It ends as the program does.
PAUSED = """#!/bin/bash
set -o pipefail
case "$*" in
*--backup*|*--all-databases*) {real} "$@" | (head -c {bytes}; while [ -e {flag} ]; do sleep 0.2; done; cat) ;;
*) exec {real} "$@" ;;
esac
"""
FLAG = "/run/the-copy-pauses"
# What a clone then comes at.
CRAWL = "4mbit"


def methods(service):
    """By which a copy is made there; the first one where none is named."""
    return ["mariadb-backup" if service.flavour is MariaDB else "clone", "dump"]


def maker(service, method):
    """The program that makes the copy on its source, and how it is told to. Where there is
    none, the servers do it among themselves."""
    if method == "dump":
        return ("/usr/bin/mariadb-dump" if service.flavour is MariaDB else "/usr/bin/mysqldump",
                "--all-databases --single-transaction --hex-blob --routines --events --triggers")
    return "/usr/bin/mariadb-backup", "--backup --stream=xbstream --target-dir=/tmp"


@contextmanager
def program(service, name, method, text, percent, **values):
    """In the place of the one that makes the copies of that node. It is to go so far."""
    node = service.node(name)
    own, words = maker(service, method)
    size = int(node.run(f"{own} {words} 2>/dev/null | wc -c").stdout)
    node.run(f"mv {own} {own}.real")
    node.run(f"cat > {own}; chmod 0755 {own}", input=text.format(real=f"{own}.real", bytes=size * percent // 100, **values))
    try:
        yield
    finally:
        node.run(f"mv {own}.real {own}")


def cut_short(service, name, method, percent):
    """The stream from that node ends early, and it says that all is well."""
    return program(service, name, method, CUT_SHORT, percent)


@contextmanager
def slowly(service, name, method=None):
    """Copies of that node to db2 do not come to their end, unless they are let go on."""
    method = method or methods(service)[0]
    if method != "clone":
        service.node(name).run(f"touch {FLAG}")
        try:
            with program(service, name, method, PAUSED, 50, flag=FLAG):
                yield
        finally:
            go_on(service, name)
        return
    # MySQL's own throttle lets a small clone slip through.
    network_link_slow(service.lab.name, "db2", service.node(name).address, 3306, CRAWL)
    try:
        yield
    finally:
        go_on(service, name)


def go_on(service, name):
    """Nothing keeps a copy of that node to db2 any more."""
    service.node(name).run(f"rm -f {FLAG}")
    network_link_fast(service.lab.name, "db2")


def disconnect(service, name, other):
    """All connections between these two are cut; new ones can be made."""
    service.node(name).run(["ss", "--kill", "--tcp", "dst", service.node(other).address])


def mount(node, *words, program="mount"):
    """In the node, by the host's program: not every image has one."""
    host_run(program, "--namespace", node.init(), *words)


@contextmanager
def small_disk(service, name):
    """The data, and what the agent writes down, are on a file system with room for three
    times as much; yields how large the data are, in MB."""
    node, unit = service.node(name), service.flavour.unit
    size = int(node.run("du -sm /var/lib/mysql").stdout.split()[0])
    node.run(f"systemctl stop mainstayd {unit}", timeout=PATIENT)
    mount(node, "-t", "tmpfs", "-o", f"size={3 * size}m,mode=0755", "tmpfs", "/srv")
    node.run("mv /var/lib/mysql /srv && ln -s /srv/mysql /var/lib/mysql && cp -a /var/lib/mainstay /srv")
    mount(node, "--bind", "/srv/mainstay", "/var/lib/mainstay")
    try:
        node.run(f"systemctl restart mainstayd && systemctl start {unit}", timeout=PATIENT)
        yield size
    finally:
        node.run(f"systemctl stop mainstayd {unit}", check=False, timeout=PATIENT)
        mount(node, "/var/lib/mainstay", program="umount")
        node.run("rm /var/lib/mysql && mv /srv/mysql /var/lib && cp -a /srv/mainstay /var/lib")
        mount(node, "/srv", program="umount")
        node.run(f"systemctl restart mainstayd; systemctl reset-failed {unit}; systemctl start {unit}", check=False, timeout=PATIENT)


@contextmanager
def full(node, room=0):
    """Of the small disk no more than so many MB are free, whatever else is written to it."""
    node.run(f"cat /dev/zero > /srv/filler; truncate --size=-{room}M /srv/filler", check=False)
    try:
        yield
    finally:
        node.run("rm /srv/filler")

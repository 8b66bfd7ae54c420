"""The command line of the lab."""

import argparse
import os
import sys

from .host import LabError, host_require
from .image import DEFAULT, IMAGES, image_build
from .lab import Lab, lab_names, lab_remove
from .replicas import ReplicatedLab
from .seed import SeededLab


def command_main(arguments=None):
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        host_require()
        return options.function(options) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog="lab", description="Real database nodes on this machine, on a network of their own.")
    parser.add_argument("--name", default="lab", help="which lab (default: %(default)s)")
    # Before or after the command alike.
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, function, help):
        command = commands.add_parser(name, help=help, description=help, parents=[common])
        command.set_defaults(function=function)
        return command

    image = add("image", _image, "build the root that nodes share, unless it is there")
    image.add_argument("image", nargs="?", default=DEFAULT, choices=IMAGES)
    _add_up(add("up", _up, "make nodes db1 to dbN and boot them"))
    run = add("run", _run, "run a command in a node")
    run.add_argument("node")
    run.add_argument("command", nargs=argparse.REMAINDER)
    add("cut", _cut, "power cut, of all named at the same instant").add_argument(
        "nodes", nargs="+", metavar="NODE")
    boot = add("boot", _boot, "boot nodes that are off")
    boot.add_argument("nodes", nargs="+", metavar="NODE")
    boot.add_argument("--no-wait", action="store_true", help="do not wait for the network")
    add("stop", _stop, "orderly power-off").add_argument("nodes", nargs="+", metavar="NODE")
    link = add("link", _link, "take a node's link down or up")
    link.add_argument("node")
    link.add_argument("state", choices=("down", "up"))
    add("freeze", _freeze, "stop everything in a node").add_argument("node")
    add("thaw", _thaw, "let a frozen node go on").add_argument("node")
    add("form", _form, "form the cluster as MariaDB alone would, with the ledger's table")
    add("status", _status, "what there is")
    down = add("down", _down, "remove the lab, or what there is of it")
    down.add_argument("--all", action="store_true", help="every lab of this machine")
    return parser


def _add_up(up):
    up.add_argument("count", type=int, metavar="N")
    up.add_argument("--image", default=DEFAULT, choices=IMAGES)
    up.add_argument("--install", metavar="DEB", help="install a package in every node")
    up.add_argument("--by-address", action="store_true",
                    help="addresses instead of names in wsrep_cluster_address, and no wsrep_node_address")
    up.add_argument("--sst", default="rsync", choices=("rsync", "mariabackup", "mysqldump"),
                    help="wsrep_sst_method (default: %(default)s)")
    up.add_argument("--provider-options", default="", metavar="OPTIONS",
                    help="added to wsrep_provider_options")
    server = up.add_mutually_exclusive_group()
    server.add_argument("--mysqld-off", dest="mysqld_on", action="store_false", default=False,
                        help="the server is disabled at first (the default)")
    server.add_argument("--mysqld-on", dest="mysqld_on", action="store_true",
                        help="the server starts at the first boot, as the package has it")
    kind = up.add_mutually_exclusive_group()
    kind.add_argument("--seeded", dest="kind", action="store_const", const=SeededLab, default=Lab,
                      help="datadirs of a cluster that was stopped in an orderly way")
    kind.add_argument("--replicas", dest="kind", action="store_const", const=ReplicatedLab,
                      help="no cluster: db1 is a primary, and the others are its replicas by GTID; "
                           "their servers start at every boot")
    up.add_argument("--no-boot", action="store_true", help="make the nodes only")


def _image(options):
    print(image_build(options.image))


def _up(options):
    of_galera = {} if options.kind is ReplicatedLab else {
        "by_address": options.by_address, "sst": options.sst,
        "provider_options": options.provider_options, "mysqld_on": options.mysqld_on}
    options.kind(options.count, options.name, options.image, options.install,
                 boot=not options.no_boot, **of_galera).up()
    _status(options)


def _run(options):
    node = Lab.open(options.name).node(options.node)
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        words = ["bash", "-l"] if sys.stdin.isatty() else ["sh"]
    command = node.command(words)
    os.execvp(command[0], command)


def _cut(options):
    Lab.open(options.name).cut(*options.nodes)


def _boot(options):
    Lab.open(options.name).boot(*options.nodes, wait=not options.no_wait)


def _stop(options):
    Lab.open(options.name).stop(*options.nodes)


def _link(options):
    Lab.open(options.name).node(options.node).link(options.state == "up")


def _freeze(options):
    Lab.open(options.name).node(options.node).freeze()


def _thaw(options):
    Lab.open(options.name).node(options.node).thaw()


def _form(options):
    Lab.open(options.name).form_cluster_stock()


def _status(options):
    try:
        lab = Lab.open(options.name)
    except LabError:
        there = lab_names()
        print(f"no lab {options.name!r} is up" + (f"; there is: {', '.join(there)}" if there else ""))
        return
    print(f"{lab.name}: {lab.image}")
    for node in lab.nodes:
        print(f"  {node.name}  {node.address:<12}  {node.state():<8} {_server_words(lab, node)}")


def _server_words(lab, node):
    """What the server says of itself; a frozen one is not asked, it could not answer."""
    if node.state() != "running":
        return ""
    try:
        return lab.words_of(node)
    except LabError:
        return "no server"


def _down(options):
    for name in lab_names() if options.all else [options.name]:
        lab_remove(name)

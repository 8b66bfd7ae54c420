"""The demo; tests/demo starts it."""

import argparse
import sys
import time
from pathlib import Path

# Nothing is left behind in the checkout.
sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from lablib import LabError  # noqa: E402
from lablib.image import DEFAULT  # noqa: E402

from cluster import PATIENT, Cluster  # noqa: E402
from deb import deb_for  # noqa: E402

WRITE_SECONDS = 5
LOOK = 0.2


def say(*words):
    print(*words, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--image", default=DEFAULT, choices=Cluster.IMAGES)
    options = parser.parse_args()
    try:
        say("Building Mainstay's package into _build/deb...")
        deb = deb_for(options.image)
        say("Booting db1, db2 and db3 (the first time, their image is built: minutes)...")
        with Cluster.lab_of(deb, "demo", options.image) as lab:
            return show(lab)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; everything is taken down.")
        return 130


def show(lab):
    say("Setting them up with `mainstayctl setup`, and forming a cluster...")
    cluster = Cluster.form(lab)
    ledger = cluster.ledger
    say(table(lab))
    say("A client writes through all three, and notes each row that is acknowledged.")
    with ledger:
        time.sleep(WRITE_SECONDS)
        written = len(ledger.accepted())
        say(f"{written} rows are acknowledged. Now the power of all three goes, in the middle of it.")
        lab.cut()
        say("They are dark. The power returns, and nobody touches anything from here on.\n")
        back = lab.boot()
        watch(lab, back)
        first = ledger.wait_accepted(back, PATIENT)
        synced = time.monotonic()
        cluster.write_some()
    return conclude(cluster, first.accepted_at - back, synced - back)


def watch(lab, zero):
    """Shows what changes, until all three are one again."""
    last = None
    deadline = time.monotonic() + PATIENT
    while not all(node.is_synced(len(lab.nodes)) for node in lab.nodes):
        if time.monotonic() > deadline:
            raise LabError(f"the nodes are not back after {PATIENT} s\n{lab.diagnosis()}")
        text = table(lab)
        if text and (states := [line.split()[:3] for line in text.splitlines()]) != last:
            say(f"{time.monotonic() - zero:.1f} s after the last node's network was up:\n{text}")
            last = states
        time.sleep(LOOK)
    say(f"{time.monotonic() - zero:.1f} s:\n{table(lab)}")


def table(lab):
    """What the first node says of the cluster; "" while it says nothing."""
    done = lab.nodes[0].run(["mainstayctl", "status"], check=False, timeout=10)
    return done.stdout if done.returncode == 0 else ""


def formed(cluster):
    """By which of the two ways, in a sentence."""
    return f"{cluster.leaders()[0]} led." if cluster.leaders() else "They resumed the view that they were cut in."


def conclude(cluster, first, synced):
    try:
        cluster.check()
    except AssertionError as error:
        print(f"demo: {error}\n{cluster.diagnosis()}", file=sys.stderr)
        return 1
    say(f"The first write was accepted {first:.1f} s after the network of the last node was up;\n"
        f"all three were in service after {synced:.1f} s. {formed(cluster)}")
    say(f"Of {len(cluster.ledger.accepted())} acknowledged rows, 0 were lost: "
        "every node has every one of them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

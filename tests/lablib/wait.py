"""Waiting for something to become true, and telling everything when it does not."""

import sys
import time

from .host import LabError

INTERVAL = 0.05


class WaitError(LabError, AssertionError):
    """It did not come true in time."""


def wait_until(predicate, timeout, what, lab=None, interval=INTERVAL):
    """Polls until `predicate()` is true, and returns what it returned.

    `what` completes "timed out waiting for ...". A LabError of the predicate
    (a server that does not answer yet) counts as not yet, and the last one is
    told. With `lab`, what its nodes say goes to standard error on a time-out:
    a failure of a scenario is read long after its nodes are gone.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            if value := predicate():
                return value
            last = None
        except WaitError:
            raise
        except LabError as error:
            last = error
        if time.monotonic() > deadline:
            break
        time.sleep(interval)
    if lab is not None:
        print(lab.diagnosis(), file=sys.stderr, flush=True)
    raise WaitError(f"timed out after {timeout} s waiting for {what}"
                    + (f"; last: {last}" if last else ""))

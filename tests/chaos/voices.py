"""What the nodes said in a round, from their journals, for a timeline.

All that is Mainstay's or the server's is there, whoever in their units says it and however
long it is: one line that is left out may be the one by which a failure is understood."""

import json
import re

from lablib import LabError

# Whose words, by the name of a program or of a unit; and who says that some are missing.
OURS = re.compile(r"\(?(mainstay|mariadb|mysql|wsrep|galera)|systemd-journald$")
UNITS = ("_SYSTEMD_UNIT", "UNIT", "COREDUMP_UNIT")

# What the lab's own limits have systemd say at each start.
NOISE = re.compile(r"pids\.max")


def voices(node, since):
    """Of a node, whatever its state: (time, words), the words of one message on one line each."""
    try:
        return voices_parse(node.name, node.journal_entries(since))
    except (LabError, OSError) as error:
        return [(since, f"{node.name}: its journal cannot be read: {' '.join(str(error).split())[:200]}")]


def voices_parse(name, text):
    """The same of what `journalctl -o json` has printed."""
    found = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # journald was cut off in the middle of one
            continue
        if not is_ours(entry):
            continue
        who = word(entry.get("SYSLOG_IDENTIFIER")) or word(entry.get("_COMM")) or "?"
        pid = word(entry.get("SYSLOG_PID")) or word(entry.get("_PID"))
        head = f"{name} {who}{f'[{pid}]' if pid else ''}:"
        moment = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        found += [(moment, f"{head} {said}") for said in word(entry.get("MESSAGE")).splitlines() if not NOISE.search(said)]
    return found


def is_ours(entry):
    who = word(entry.get("SYSLOG_IDENTIFIER")) or word(entry.get("_COMM"))
    # A short life ends before journald has seen of which unit it was; and systemd says of any that it failed.
    return bool(OURS.match(who) or any(OURS.match(word(entry.get(unit))) for unit in UNITS)
                or (who == "systemd" and word(entry.get("MESSAGE")).startswith("Failed")))


def word(value):
    """A field: what is no text is a list of bytes, and one that was said twice a list of those."""
    if isinstance(value, list):
        if all(isinstance(byte, int) for byte in value):
            return bytes(value).decode(errors="replace")
        return word(value[0])
    return value or ""

"""What came of a campaign, for people: counted while it runs, and kept in RESULTS.md."""

import re
import statistics
from collections import Counter
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
TITLE = "# The last campaigns of tests/chaos/run\n"


class Summary:
    """Of a campaign on one image; `command` repeats it."""

    def __init__(self, image, command):
        self.image = image
        self.command = command
        self.rounds = 0
        self.failed = []
        self.faults = Counter()
        self.acknowledged = 0
        self.lost = 0
        self.given_up = 0
        self.without = 0
        self.formed = 0
        self.waits = Counter()
        self.back = []

    def count(self, drawn):
        """A round that begins."""
        self.rounds += 1
        self.faults.update(fault.words() for _, _, fault in drawn.faults)

    def fail(self, number, error):
        if lost := re.search(r"lost (\d+) acknowledged rows", str(error)):
            self.lost += int(lost.group(1))
        self.failed.append(f"{number}: {' '.join(str(error).split())[:200]}")

    def wait(self, reason):
        """Somebody waited for a person. What differs from time to time is not said."""
        self.waits[re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}(:-?\d+)?|\b\d{3,}\b", "…", reason)] += 1

    def __str__(self):
        lines = [f"## {self.image}", "", f"    {self.command}", "", "| | |", "|---|---|"]
        rows = [("rounds", self.rounds), ("rounds that failed", len(self.failed)),
                ("faults", sum(self.faults.values())),
                ("times that a node formed the cluster", self.formed),
                ("rows acknowledged", self.acknowledged),
                ("rows found lost", self.lost),
                ("rows lost with nodes that an operator gave up, or the servers voted out", f"{self.given_up} in {self.without} rounds")]
        if self.back:
            rows += [("all in service after the last fault, seconds: median, worst (a person comes after 40 s)",
                      f"{statistics.median(self.back):.1f}, {max(self.back):.1f}")]
        lines += [f"| {what} | {value} |" for what, value in rows]
        lines += ["", "| fault | times |", "|---|---|", *(f"| {what} | {times} |" for what, times in sorted(self.faults.items()))]
        if self.waits:
            lines += ["", "| a node waited for a person, because | times |", "|---|---|",
                      *(f"| {what} | {times} |" for what, times in self.waits.most_common())]
        if self.failed:
            lines += ["", "Failed:", "", *(f"- {line}" for line in self.failed)]
        return "\n".join(lines) + "\n"

    def keep(self, path=RESULTS):
        """In place of what was there of this image."""
        text = path.read_text() if path.exists() else TITLE
        first, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
        sections = [part for part in sections if not part.startswith(f"## {self.image}\n")]
        path.write_text("\n".join(part.rstrip("\n") + "\n" for part in [first, *sorted([*sections, str(self)])]))

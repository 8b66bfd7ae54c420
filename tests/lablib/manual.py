"""The examples of the manual pages: what is typed, where, and what is said then.

An example is a literal block of a page's source that begins with a prompt, `# ` for root
or `$ ` for anybody; before it may stand where it is typed: `db1# `, or `db1,db2# ` for
each of these. Lines up to a word that the command gives (`<<END`) belong to it. What
follows is what it says: numbers may be others, and `...` stands for anything.
"""

import re
import time
from collections import namedtuple
from pathlib import Path

from .host import LabError

TOP = Path(__file__).resolve().parents[2]
HERE = "db1"     # where no prompt says another
PATIENT = 120
MOMENTS = 30     # for which what only looks is repeated: journald is late, a position not asked yet

Example = namedtuple("Example", "page heading title steps")
Example.__doc__ = "`heading` is the section's or subsection's, `title` the paragraph before it, in a line."
Step = namedtuple("Step", "nodes anybody command shown")

PROMPT = re.compile(r"(?P<nodes>db\d(?:,db\d)*)?(?P<who>[#$]) (?P<command>.+)")
UNTIL = re.compile(r"<<(\w+)$")
LOOKS = re.compile(r"mainstayctl (status|plan)\b|.*journalctl")


def manual_pages():
    """The pages that are installed, by name and section: mainstay.7, ..."""
    return sorted(path.name.removesuffix(".scd") for path in TOP.glob("*/**/*.scd") if "_build" not in path.parts)


def manual_examples(page, heading=None):
    """Those of a page, or of one part of it, in their order."""
    path, = (path for path in TOP.glob(f"*/**/{page}.scd") if "_build" not in path.parts)
    found, at, title, block, last = [], "", [], None, ""
    for line in path.read_text().splitlines():
        if line.startswith("```"):
            if block and PROMPT.fullmatch(block[0]):
                found.append(Example(page, at, " ".join(title), _steps(block)))
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif line.startswith("#"):
            at, title = line.lstrip("# "), []
        elif line:
            title = [line] if not last else [*title, line]
        last = line
    return [example for example in found if heading in (None, example.heading)]


def _steps(block):
    steps, lines = [], list(block)
    while lines:
        prompt = PROMPT.fullmatch(lines.pop(0))
        command, shown = [prompt["command"]], []
        if until := UNTIL.search(command[0]):
            while command[-1] != until[1]:
                command.append(lines.pop(0))
        while lines and not PROMPT.fullmatch(lines[0]):
            shown.append(lines.pop(0))
        steps.append(Step((prompt["nodes"] or HERE).split(","), prompt["who"] == "$", "\n".join(command), shown))
    return steps


def manual_follow(lab, example):
    """Types an example in a lab; each command has to succeed, and to say what is shown."""
    for step in example.steps:
        for name in step.nodes:
            end = time.monotonic() + MOMENTS
            while True:
                said = _type(lab.node(name), step)
                if not step.shown or _shows(step.shown, said):
                    break
                if time.monotonic() > end or not LOOKS.match(step.command):
                    raise AssertionError(f"{example.page}, {example.heading}: {step.command}\nshould say\n"
                                         + "\n".join(step.shown) + f"\nand says\n{said}")
                time.sleep(0.3)


def _type(node, step):
    home, who = ("/", ["runuser", "-u", "nobody", "--"]) if step.anybody else ("/root", [])
    done = node.run([*who, "sh", "-c", f"exec 2>&1\ncd {home}\n{step.command}\n"], check=False, timeout=PATIENT)
    if done.returncode != 0:
        raise LabError(f"{node.name}: {step.command}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def _shows(shown, said):
    pattern = "".join(r"(?:.*\n)*" if line == "..." else _pattern(_plain(line)) + r"\n" for line in shown if line)
    return re.fullmatch(pattern, "".join(_plain(line) + "\n" for line in said.splitlines() if line.strip()))


def _pattern(line):
    """`...` is anything; of a line's end, nothing as well."""
    head, tail = (line.removesuffix(" ..."), "(?: .*)?") if line.endswith(" ...") else (line, "")
    return ".*".join(re.escape(part) for part in head.split("...")) + tail


def _plain(line):
    """Without what differs from one time to the next."""
    line = re.sub(r"\b[0-9a-f]{8}(?=:)", "UUID", line)
    return re.sub(r"(?<![\w.])\d+", "N", " ".join(line.split()))

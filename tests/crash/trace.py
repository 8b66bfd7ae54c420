"""What strace writes down: the system calls of a program, one by one."""

import os
import re

LINE = re.compile(r'(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)')
# A descriptor with its path, and a string, both in hexadecimal.
DESCRIPTOR = re.compile(r'\b(AT_FDCWD|\d+)<([^>]*)>')
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')

# -y: the paths of descriptors. -xx and -s: every byte, whatever it is.
ARGUMENTS = ['strace', '-qq', '-y', '-xx', '-s', '1000000']


def text_of(escaped):
    return bytes.fromhex(escaped.replace('\\x', ''))


class Call:
    def __init__(self, line, name, arguments, result):
        self.line = line
        self.name = name
        self.arguments = arguments
        self.result = None if result == '?' else int(result, 16 if result.startswith('0x') else 10)
        self.strings = [text_of(s) for s in STRING.findall(arguments)]
        self.descriptors = [(d, os.fsdecode(text_of(p.removesuffix('(deleted)')))) for d, p in DESCRIPTOR.findall(arguments)]
        self.nth = 0  # of its name, from 1

    def number(self, i):
        """The `i`th argument, where it is a number."""
        return int(self.arguments.split(', ')[i], 0)

    def is_about(self, path):
        return any(p.startswith(path) for p in self.paths() + [p for _, p in self.descriptors])

    def paths(self):
        """Every path that it names, whole; of the *at calls by their descriptors."""
        strings = [os.fsdecode(s) for s in self.strings]
        if not self.name.endswith(('at', 'at2')):
            return strings
        whole = []
        for (_, directory), name in zip(self.descriptors, strings):
            whole.append(name if name.startswith('/') else f'{directory}/{name}' if name not in ('.', '') else directory)
        return whole


def read(path):
    """The calls in a trace, without signals and ends."""
    calls, seen = [], {}
    with open(path, errors='replace') as f:
        for line in f:
            m = LINE.match(line)
            if not m:
                continue
            c = Call(line.rstrip(), *m.groups())
            seen[c.name] = c.nth = seen.get(c.name, 0) + 1
            calls.append(c)
    return calls

"""What a disk may hold after a power cut: the calls of a trace are done again, and
of those that no fsync() covers, any may be missing.

What is assumed is what POSIX promises and no more. Data and mode of a file are there
after an fsync() of it, its name after one of the directory; what is not yet covered
comes to the disk in any order, or not at all. A write may have come half, or only the
file's new length, with zeros. One rename() is done or not done, never half.
"""

import itertools
import os
import shutil
import stat

# Up to so many pending changes, every subset of them is tried; of more: each prefix,
# each one missing, each one alone.
EXHAUSTIVE = 6


class Inode:
    def __init__(self, kind, data=b'', mode=0o644):
        self.kind, self.data, self.mode = kind, data, mode
        self.names = {}

    def copy(self):
        fresh = Inode(self.kind, self.data, self.mode)
        fresh.names = dict(self.names)
        return fresh


class Disk:
    """The tree below `root` as it is now, and then the changes that a trace makes."""

    def __init__(self, root):
        self.root = root
        self.inodes = []
        self.changes = []  # (kind, inode or None, what)
        self.files = {}    # descriptor: [inode, offset, appends]
        self.owner, self.group = os.stat(root).st_uid, os.stat(root).st_gid
        self._load(root)
        self.base = [i.copy() for i in self.inodes]

    def _load(self, path):
        st = os.lstat(path)
        if stat.S_ISDIR(st.st_mode):
            inode = Inode('directory', mode=st.st_mode & 0o7777)
        elif stat.S_ISLNK(st.st_mode):
            inode = Inode('link', os.readlink(path).encode())
        else:
            with open(path, 'rb') as f:
                inode = Inode('file', f.read(), st.st_mode & 0o7777)
        self.inodes.append(inode)
        number = len(self.inodes) - 1
        if inode.kind == 'directory':
            for name in os.listdir(path):
                inode.names[name] = self._load(os.path.join(path, name))
        return number

    def _new(self, kind, data=b'', mode=0o600):
        self.inodes.append(Inode(kind, data, mode))
        fresh = Inode(kind, data, mode)
        self.base.append(fresh)
        return len(self.inodes) - 1

    def _find(self, path):
        """The number of an inode, None where there is none; and -1 for what is elsewhere."""
        if path != self.root and not path.startswith(self.root + '/'):
            return -1
        number = 0
        for name in path[len(self.root):].split('/'):
            if name in ('', '.'):
                continue
            number = self.inodes[number].names.get(name)
            if number is None:
                return None
        return number

    def _place(self, path):
        directory, name = os.path.split(path)
        return self._find(directory), name

    def _change(self, kind, inode, what):
        change = (kind, inode, what)
        self.changes.append(change)
        apply(self.inodes, change)

    def _names(self, *entries):
        """`entries`: (directory, name, inode or None)."""
        self._change('names', None, entries)

    def add(self, call):
        """The change that a call made."""
        if call.result is None or call.result < 0:
            return
        name, paths = call.name, call.paths()
        if name in ('open', 'openat', 'creat'):
            self._open(call, paths[0])
        elif name == 'close':
            self.files.pop(call.descriptors[0][0] if call.descriptors else call.arguments, None)
        elif name in ('write', 'pwrite64', 'ftruncate', 'fallocate', 'lseek', 'fchmod'):
            self._file(call)
        elif name in ('fsync', 'fdatasync'):
            inode = self._find(call.descriptors[0][1])
            if call.descriptors[0][0] in self.files:
                inode = self.files[call.descriptors[0][0]][0]
            if inode not in (None, -1):
                self._change('sync', inode, None)
        elif name.startswith('mkdir') and self._find(os.path.dirname(paths[0])) not in (None, -1):
            self._names((*self._place(paths[0]), self._new('directory', mode=0o700)))
        elif name.startswith('symlink') and self._find(os.path.dirname(paths[-1])) not in (None, -1):
            self._names((*self._place(paths[-1]), self._new('link', call.strings[0])))
        elif name.startswith(('unlink', 'rmdir')) and self._find(paths[0]) not in (None, -1):
            self._names((*self._place(paths[0]), None))
        elif name.startswith('rename') and self._find(paths[0]) not in (None, -1):
            self._rename(call, paths)
        elif name.startswith('link') and self._find(paths[0]) not in (None, -1):
            self._names((*self._place(paths[1]), self._find(paths[0])))

    def _rename(self, call, paths):
        first, second = self._find(paths[0]), self._find(paths[1])
        if first == second:
            return  # by what POSIX says, nothing
        exchanged = second if 'RENAME_EXCHANGE' in call.arguments else None
        self._names((*self._place(paths[0]), exchanged), (*self._place(paths[1]), first))

    def _open(self, call, path):
        inode = self._find(path)
        if inode == -1:
            return
        if inode is None:
            if 'O_CREAT' not in call.arguments:
                return
            inode = self._new('file')
            self._names((*self._place(path), inode))
        elif 'O_TRUNC' in call.arguments and self.inodes[inode].data:
            self._change('size', inode, 0)
        self.files[str(call.result)] = [inode, 0, 'O_APPEND' in call.arguments]

    def _file(self, call):
        file = self.files.get(call.descriptors[0][0]) if call.descriptors else None
        if not file:
            return
        inode = self.inodes[file[0]]
        if call.name == 'fchmod':
            self._change('mode', file[0], int(call.arguments.split(', ')[1], 8))
        elif call.name == 'lseek':
            file[1] = call.result
        elif call.name == 'ftruncate':
            self._change('size', file[0], call.number(1))
        elif call.name == 'fallocate':
            self._change('size', file[0], max(len(inode.data), call.number(2) + call.number(3)))
        else:
            at = call.number(3) if call.name == 'pwrite64' else len(inode.data) if file[2] else file[1]
            data = call.strings[0][:call.result]
            self._change('data', file[0], (at, data))
            if call.name == 'write':
                file[1] = at + len(data)

    def after(self, n):
        """Yields what the disk may hold when the power goes after the first `n` changes,
        each as the inodes, and in words."""
        done = self.changes[:n]
        pending = [i for i, c in enumerate(done) if c[0] != 'sync' and not covered(done, i)]
        always = [i for i, c in enumerate(done) if c[0] != 'sync' and i not in pending]
        for kept in subsets(pending):
            torn = [None]
            torn += [(i, how) for i in kept if done[i][0] == 'data' and done[i][2][1] for how in ('half', 'zeros')]
            for tear in torn:
                inodes = [i.copy() for i in self.base]
                for i in sorted(always + list(kept)):
                    apply(inodes, torn_change(done[i], tear[1]) if tear and tear[0] == i else done[i])
                missing = [words(done[i]) for i in pending if i not in kept]
                said = f'without {", ".join(missing)}' if missing else 'with all of it'
                if tear:
                    said += f', {words(done[tear[0]])} come as {tear[1]}'
                yield inodes, said

    def write(self, inodes, path):
        """Makes the tree below `path`, which is new."""
        self._write(inodes, 0, path)

    def _write(self, inodes, number, path):
        inode = inodes[number]
        if inode.kind == 'directory':
            os.mkdir(path)
            for name, child in inode.names.items():
                self._write(inodes, child, os.path.join(path, name))
        elif inode.kind == 'link':
            os.symlink(inode.data, path)
        else:
            with open(path, 'wb') as f:
                f.write(inode.data)
        if os.geteuid() == 0:
            os.lchown(path, self.owner, self.group)
        if inode.kind != 'link':
            os.chmod(path, inode.mode)


def tree(inodes, number=0):
    """What can be compared with another."""
    inode = inodes[number]
    return (inode.kind, inode.data, inode.mode, tuple((name, tree(inodes, i)) for name, i in sorted(inode.names.items())))


def apply(inodes, change):
    kind, number, what = change
    if kind == 'names':
        for directory, name, inode in what:
            if inode is None:
                inodes[directory].names.pop(name, None)
            else:
                inodes[directory].names[name] = inode
    elif kind == 'mode':
        inodes[number].mode = what
    elif kind == 'size':
        inodes[number].data = inodes[number].data[:what].ljust(what, b'\0')
    elif kind == 'data':
        at, data = what
        old = inodes[number].data.ljust(at, b'\0')
        inodes[number].data = old[:at] + data + old[at + len(data):]


def torn_change(change, how):
    kind, number, (at, data) = change
    return kind, number, (at, data[:len(data) // 2] if how == 'half' else bytes(len(data)))


def covered(done, i):
    """Is the change `i` on the disk for sure?"""
    kind, number, what = done[i]
    synced = {c[1] for c in done[i + 1:] if c[0] == 'sync'}
    return all(e[0] in synced for e in what) if kind == 'names' else number in synced


def subsets(pending):
    if len(pending) <= EXHAUSTIVE:
        for n in range(len(pending) + 1):
            yield from itertools.combinations(pending, n)
        return
    several = {tuple(pending[:n]) for n in range(len(pending) + 1)}
    several |= {tuple(p for p in pending if p != one) for one in pending}
    several |= {(one,) for one in pending}
    yield from sorted(several)


def words(change):
    kind, _, what = change
    if kind == 'names':
        return 'the name ' + ' and '.join(e[1] for e in what)
    return {'data': 'the data', 'mode': 'the mode', 'size': 'the length'}[kind]


def remove(path):
    shutil.rmtree(path, ignore_errors=True)

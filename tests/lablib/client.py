"""A client of the server's protocol, as far as the lab needs it.

It connects to the server's socket in the node from outside, as root, and every
exchange has a deadline. A process for every statement would take so much of a
small machine that the nodes could not be measured any more.
"""

import contextlib
import socket
import struct
import time

from .host import LabError

# The only ones that are asked for: protocol of 4.1, transactions, secure
# connection, plug-in authentication, several statements and results.
CAPABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x10000 | 0x20000 | 0x80000
MORE_RESULTS = 0x8
MAX_PACKET = 1 << 24
UTF8MB4 = 45
COM_QUERY = b"\x03"
COM_QUIT = b"\x01\0\0\0\x01"    # a packet of its own


class ClientError(LabError):
    """The server said no; `code` is its number."""

    def __init__(self, code, text):
        super().__init__(f"error {code}: {text}")
        self.code = code


class ClientGone(LabError):
    """There is no server, or no longer, or it did not answer in time."""


class Client:
    """One connection. After ClientGone it is of no more use."""

    def __init__(self, path, timeout=5, user="root"):
        """Connects within `timeout` seconds, and logs in as `user`: by its uid, or
        as one who has no password. A `path` that is (host, port) is one of TCP."""
        self._deadline = time.monotonic() + timeout
        tcp = isinstance(path, tuple)
        self._socket = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._buffer = b""
        self._sequence = 0
        self._columns = []
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path if tcp else str(path))
            self._log_in(user)
        except OSError as error:
            self.close()
            raise ClientGone(f"{path}: {error}") from None
        except BaseException:
            self.close()
            raise

    def close(self):
        # A server writes a warning for everybody who leaves without a word.
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            self._socket.send(COM_QUIT)
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def query(self, statement, timeout=10):
        """Runs one or more statements; returns the rows of all results.

        A row is a list of str, or None for NULL.
        """
        self._deadline = time.monotonic() + timeout
        try:
            self._sequence = 0
            self._send(COM_QUERY + statement.encode())
            rows, more = [], True
            while more:
                more = self._read_result(rows)
            return rows
        except OSError as error:
            self.close()
            raise ClientGone(f"{statement[:60]}: {error or 'timed out'}") from None

    def query_records(self, statement, timeout=10):
        """Runs one statement; returns its rows as dicts by the names of the columns."""
        rows = self.query(statement, timeout)
        return [dict(zip(self._columns, row)) for row in rows]

    def _log_in(self, user):
        greeting = self._receive()
        if greeting[0] != 10:
            raise ClientGone(f"protocol {greeting[0]} instead of 10")
        self._send(struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET, UTF8MB4)
                   + user.encode() + b"\0" + b"\0" + b"mysql_native_password\0")
        # No password: the server goes through its methods until it comes to
        # the one that looks at the uid behind the socket, or is content.
        while (answer := self._receive())[0] == 0xFE:
            self._send(b"")

    def _read_result(self, rows):
        """Reads one result, appends its rows, and tells whether one more follows."""
        head = self._receive()
        if head[0] == 0x00:
            _, at = _integer(head, 1)
            _, at = _integer(head, at)
            return bool(struct.unpack_from("<H", head, at)[0] & MORE_RESULTS)
        columns, _ = _integer(head, 0)
        self._columns = [_column(self._receive()) for _ in range(columns)]
        self._receive()    # the end of their descriptions
        while True:
            packet = self._receive()
            if packet[0] == 0xFE and len(packet) < 9:
                return bool(struct.unpack_from("<H", packet, 3)[0] & MORE_RESULTS)
            rows.append(_row(packet, columns))

    def _send(self, payload):
        self._socket.settimeout(self._left())
        self._socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([self._sequence]) + payload)

    def _receive(self):
        """One packet; an error packet is raised."""
        header = self._read(4)
        payload = self._read(int.from_bytes(header[:3], "little"))
        self._sequence = (header[3] + 1) & 0xFF
        if payload[:1] == b"\xff":
            code = struct.unpack_from("<H", payload, 1)[0]
            text = payload[3:].decode(errors="replace")
            raise ClientError(code, text[6:] if text.startswith("#") else text)
        return payload

    def _read(self, size):
        while len(self._buffer) < size:
            self._socket.settimeout(self._left())
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionResetError("the server closed the connection")
            self._buffer += chunk
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _left(self):
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


def _integer(data, at):
    """A length-encoded integer (None stands for NULL), and where it ends."""
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFB:
        return None, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def _column(packet):
    """The name of a column: after those of the catalog, the database and the tables."""
    return _row(packet, 5)[4]


def _row(packet, columns):
    values, at = [], 0
    for _ in range(columns):
        length, at = _integer(packet, at)
        if length is None:
            values.append(None)
        else:
            values.append(packet[at:at + length].decode(errors="replace"))
            at += length
    return values

"""Asks a PostgreSQL on a Unix socket whether it answers, without a client library."""

import socket
import struct
from pathlib import Path

PORT = 5432
"""Part of the socket's name; nothing listens on this port."""

_PROTOCOL = 196608  # version 3.0


def socket_in(directory: Path) -> Path:
    """Return the path of the socket that a server keeps in `directory`."""
    return directory / f".s.PGSQL.{PORT}"


def answers(directory: Path, user: str, database: str, within: float = 1.0) -> bool:
    """Return True when the server with its socket in `directory` answers `select 1`.

    Blocks for at most about `within` seconds for each of its answers.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(within)
            line.connect(str(socket_in(directory)))
            line.sendall(_startup(user, database) + _message(b"Q", b"select 1\0"))
            answered = _has_row(line)
            line.sendall(_message(b"X", b""))
            return answered
    except OSError:
        return False


def _startup(user: str, database: str) -> bytes:
    words = (b"user", user.encode(), b"database", database.encode())
    body = struct.pack("!i", _PROTOCOL) + b"\0".join(words) + b"\0\0"
    return struct.pack("!i", len(body) + 4) + body


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _has_row(line: socket.socket) -> bool:
    with line.makefile("rb") as incoming:
        while len(head := incoming.read(5)) == 5:
            kind, length = struct.unpack("!ci", head)
            if length < 4:  # its own four bytes count: this is no PostgreSQL
                return False
            incoming.read(length - 4)
            if kind in (b"D", b"E"):
                return bool(kind == b"D")
    return False

"""Whether a server on a socket answers, whatever it says."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.store.probe import answers, socket_in

ROW = b"D" + struct.pack("!ih", 6, 0)
READY = b"Z" + struct.pack("!i", 5) + b"I"
WELCOME = b"R" + struct.pack("!ii", 8, 0) + b"S" + struct.pack("!i", 8) + b"a\0b\0" + READY
REFUSAL = b"E" + struct.pack("!i", 4 + 9) + b"C28000\0\0\0"


@contextlib.contextmanager
def server(folder: Path, *pieces: bytes, hangs: bool = False) -> Iterator[list[bytes]]:
    """Let somebody say these pieces to whoever comes, then hang or hang up; give what it hears."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(socket_in(folder)))
        listener.listen()

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                heard.append(line.recv(1000))
                with contextlib.suppress(OSError):
                    for piece in pieces:
                        line.sendall(piece)
                if hangs:
                    done.wait(10)
                else:
                    line.shutdown(socket.SHUT_WR)
                    line.recv(1000)

        speaking = threading.Thread(target=serve)
        speaking.start()
        yield heard
        done.set()
        speaking.join()


@pytest.mark.parametrize(
    ("pieces", "it_answers"),
    [
        ((WELCOME + ROW + READY,), True),
        (tuple(bytes([one]) for one in WELCOME + ROW), True),
        ((WELCOME, REFUSAL), False),
        ((REFUSAL,), False),
        ((WELCOME,), False),
        ((), False),
        ((b"D",), False),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), False),
        ((b"X" + struct.pack("!i", -1) + ROW,), False),
        ((b"X" + struct.pack("!i", 0) + ROW,), False),
        ((b"X" + struct.pack("!i", 3) + ROW,), False),
        ((b"X" + struct.pack("!i", 2**31 - 1) + ROW,), False),
    ],
)
def test_only_a_row_is_an_answer(
    pieces: tuple[bytes, ...], it_answers: bool, tmp_path: Path
) -> None:
    with server(tmp_path, *pieces) as heard:
        assert answers(tmp_path, "ana", "jobs") is it_answers
    assert b"user\0ana\0database\0jobs\0\0" in heard[0]
    assert heard[0].endswith(b"select 1\0")


@pytest.mark.parametrize("pieces", [(), (WELCOME,), (ROW[:3],)])
def test_a_server_that_hangs_does_not_answer_in_time(
    pieces: tuple[bytes, ...], tmp_path: Path
) -> None:
    with server(tmp_path, *pieces, hangs=True):
        assert not answers(tmp_path, "ana", "jobs", within=0.05)


def test_where_nobody_listens_nobody_answers(tmp_path: Path) -> None:
    assert not answers(tmp_path, "ana", "jobs")
    socket_in(tmp_path).write_text("no socket")
    assert not answers(tmp_path, "ana", "jobs")
    assert not answers(tmp_path / ("long" * 50), "ana", "jobs")

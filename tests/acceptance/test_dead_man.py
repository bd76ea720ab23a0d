"""The dead man's switch of the whole program: it hears from us each minute until nobody can be told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.acceptance import running, small_world
from tests.acceptance.small_world import make_things, set_broken

CLOSED = 9
"""Nobody listens at this port."""


@contextmanager
def outside() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server, and what was posted to it."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ping/a-uuid", heard
        finally:
            server.shutdown()


def test_it_hears_from_us_until_nobody_can_be_told(tmp_path: Path) -> None:
    make_things(tmp_path)
    with running.receivers(tmp_path) as receivers, outside() as (url, heard):
        # Nobody takes our messages: neither Slack nor the mail server is there.
        away = replace(receivers, slack_port=CLOSED, smtp_port=CLOSED)
        text = small_world.rules(away, tmp_path, thing_broken="The thing is broken")
        text += f"service: {{ dead_man: '{url}' }}\n"
        with running.program(away, demo=False, rules=text) as program:
            program.advance(240)
            assert 4 <= len(heard) <= 5, "once a minute"
            assert '"rules": 1' in heard[0]
            set_broken(tmp_path, 1)
            program.advance(330)
            until_then = len(heard)
            program.advance(240)
            assert len(heard) <= until_then + 1
            told = program.log.read_text()
            assert "dead man's switch is silent" in told
            assert "no message arrives" in told
            assert "a-uuid" not in told

"""The fake receivers as processes of their own, as the acceptance tests start them."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifiers.base import Event, Message, Part
from notifiers.email import Email
from notifiers.samples import sample
from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack

ROOT = Path(__file__).parents[2]
START_S = 20


@contextlib.contextmanager
def running(module: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the port and the log of a fake receiver in a process of its own."""
    port_file, log = folder / "port", folder / "log"
    command = [sys.executable, "-m", module, "--port-file", str(port_file), "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            ends_at = time.monotonic() + START_S
            while not port_file.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"the fake receiver ended with {process.wait(timeout=0.02)}")
                assert time.monotonic() < ends_at, "the fake receiver did not start"
            yield int(port_file.read_text()), log
        finally:
            process.kill()


async def test_slack_as_a_process_logs_each_message_with_its_key(tmp_path: Path) -> None:
    message = Message("n-1", "#data-alerts", Part.ROOT, 1, sample(Event.OPENED))
    with running("tests.fake_slack", tmp_path) as (port, log):
        slack = Slack(TOKEN, f"http://127.0.0.1:{port}/api/")
        root = await slack.send(message, slack.render(message))
        edit = Message("n-2", "#data-alerts", Part.EDIT, 2, sample(Event.TAKEN), root.remote)
        await slack.send(edit, slack.render(edit))
        await slack.close()
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["what"], line["key"]) for line in lines] == [("post", "n-1"), ("edit", "n-1")]
    assert lines[1]["text"].startswith("👀 TAKEN")


async def test_mail_as_a_process_logs_each_mail_with_its_id(tmp_path: Path) -> None:
    message = Message("n-1", "ana@example.com", Part.PAGE, 1, sample(Event.OPENED))
    with running("tests.smtp_server", tmp_path) as (port, log):
        email = Email(f"smtp://127.0.0.1:{port}", "watchdog@example.com")
        receipt = await email.send(message, email.render(message))
        await email.close()
        [line] = [json.loads(line) for line in log.read_text().splitlines()]
    assert line["recipient"] == "ana@example.com"
    assert line["headers"]["Message-ID"] == receipt.remote["message_id"]
    assert line["text"].startswith("CRITICAL: Orders stopped syncing")


@pytest.mark.parametrize(
    ("text", "blocks", "code"),
    [
        ("", [], "no_text"),
        ("x" * 40_001, [], "msg_too_long"),
        ("x", [{"type": "divider"}] * 51, "invalid_blocks"),
        ("x", [{"type": "nonsense"}], "invalid_blocks"),
        ("x", [{"type": "section"}], "invalid_blocks"),
        ("x", [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "invalid_blocks"),
        (
            "x",
            [{"type": "section", "text": {"type": "mrkdwn", "text": "y" * 3001}}],
            "invalid_blocks",
        ),
        ("x", [{"type": "actions", "elements": []}], "invalid_blocks"),
        (
            "x",
            [{"type": "section", "text": {"type": "mrkdwn", "text": "y" * 2900}}] * 5,
            "msg_blocks_too_long",
        ),
    ],
)
async def test_the_fake_refuses_what_slack_refuses(
    text: str, blocks: list[dict[str, object]], code: str
) -> None:
    async with FakeSlack() as server:
        answer = server.call("chat.postMessage", {"channel": "#a", "text": text, "blocks": blocks})
    assert answer == {"ok": False, "error": code}

"""On-call passes on while the whole program runs: exactly its messages, once, also over a restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import make_things, places, rules_named, set_broken

TEAMS = """
people:
  ana: { slack: U01ANA }
  raj: { slack: U02RAJ, email: raj@example.com }
  mei: { email: mei@example.com }
teams:
  ops:
    lead: ana
    slack: ops-alerts
    timezone: Europe/Berlin
    oncall: { rotate: weekly, handover: mon 10:00, order: [ana, raj, mei], from: 2025-06-09 }
  quiet:
    lead: ana
    slack: quiet-alerts
    timezone: Europe/Berlin
    oncall: { rotate: weekly, handover: mon 10:00, order: [ana, raj] }
    shift_messages: false
routes: [{ send: [slack] }]
rules:"""
BEFORE = datetime(2025, 6, 16, 7, 58, tzinfo=UTC)
"""Two minutes before raj follows ana, by Berlin's clock."""


def posts(receivers: Receivers, since: int) -> list[tuple[str, str]]:
    """Return where what was posted after the first so many messages, in order."""
    return [(one["channel"], one["text"]) for one in receivers.slack()[since:]]


def test_each_shift_is_told_to_its_channel_and_to_who_follows(tmp_path: Path) -> None:
    make_things(tmp_path)
    with running.receivers(tmp_path) as receivers:
        text = places(receivers, tmp_path) + TEAMS + rules_named(thing_broken="The thing is broken")
        with running.program(receivers, demo=False, rules=text, start=BEFORE) as program:
            set_broken(tmp_path, 1)
            program.advance(30)
            before = len(receivers.slack())
            program.advance(85)
            assert posts(receivers, before) == [], "it is not ten yet"
            raj_follows(program, receivers, before)
            nothing_comes_again(program, receivers)
            mei_follows_and_is_covered(program, receivers)


def raj_follows(program: Program, receivers: Receivers, before: int) -> None:
    program.advance(10)
    line = "🗓 ON CALL ops: raj until Mon 23 Jun 10:00 (then mei) · 1 open: #1001"
    assert posts(receivers, before) == [("COPSALERTS", line)]
    [mail] = receivers.mails()
    assert (mail["recipient"], mail["headers"]["Subject"].split(":")[0]) == (
        "raj@example.com",
        "[ON CALL] ops",
    )
    program.advance(60)
    assert posts(receivers, before) == [("COPSALERTS", line), ("D02RAJ", line)]


def nothing_comes_again(program: Program, receivers: Receivers) -> None:
    told = len(receivers.slack()), len(receivers.mails())
    program.kill()
    program.start(BEFORE + timedelta(minutes=5))
    program.advance(120)
    assert (len(receivers.slack()), len(receivers.mails())) == told


def mei_follows_and_is_covered(program: Program, receivers: Receivers) -> None:
    posted, mailed = len(receivers.slack()), len(receivers.mails())
    monday = datetime(2025, 6, 23, 8, tzinfo=UTC)
    program.jump((monday - program.now()).total_seconds() - 30)
    program.advance(35)
    line = "🗓 ON CALL ops: mei until Mon 30 Jun 10:00 (then ana) · 1 open: #1001"
    told = [one for one in posts(receivers, posted) if "ON CALL" in one[1]]
    assert told == [("COPSALERTS", line)]
    assert [one["recipient"] for one in receivers.mails()[mailed:]] == ["mei@example.com"]
    program.run("oncall", "cover", "ops", "--who", "ana", "--until", "1h", "--as", "mei")
    program.advance(70)
    told = [one for one in posts(receivers, posted) if "ON CALL" in one[1]]
    covered = "🗓 ON CALL ops: ana until 11:00 (then mei) · 1 open: #1001"
    assert told[1:] == [("D01ANA", covered), ("COPSALERTS", covered)]

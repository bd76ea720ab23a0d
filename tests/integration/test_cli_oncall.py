"""What `watchdog oncall` says, arranges and refuses, on a real store."""

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import say
from tests.fake_slack import TOKEN, Trouble, fake_slack
from watchdog.clock import SystemClock

RULES = """\
version: 1
service: {{ store: "{dsn}" }}
people:
  ana: {{ email: ana@example.com, timezone: Europe/Berlin }}
  raj: {{ email: raj@example.com, timezone: Asia/Kolkata }}
  tom: {{ timezone: Europe/Berlin }}
teams:
  data:
    lead: ana
    timezone: Europe/Berlin
    oncall: {{ rotate: daily, handover: 00:00, order: [ana, raj] }}
  office: {{ lead: ana, oncall: {{ hours: {day} 08:00-09:00, order: [tom] }} }}
defaults: {{ team: data }}
sources: {{ web: {{ sqlite: web.db }} }}
"""

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def run(tmp_path: Path, store_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs a command as ana, and returns exit code, stdout and stderr."""
    # Whenever this runs, tom's hour is neither now nor within a cover.
    day = f"{SystemClock().now() + timedelta(days=3):%a}".lower()
    (tmp_path / "rules.yaml").write_text(RULES.format(dsn=store_dsn, day=day))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHDOG_PERSON", "ana")

    async def ran(*words: str) -> tuple[int, str, str]:
        ended = await asyncio.to_thread(say, *words)
        return ended.code, ended.out, ended.err

    return ran


async def test_without_a_command_it_says_who_is_on_call_until_when_and_who_then(run: Run) -> None:
    code, said, _ = await run("oncall", "data", "-o", "json")
    [row] = json.loads(said)
    assert code == 0
    assert {row["on_call"], row["then"]} == {"ana", "raj"}
    assert " 00:00 Berlin" in row["until"]
    assert ("for raj)" in row["until"]) == (row["on_call"] == "raj")
    assert len((await run("oncall"))[1].splitlines()) == 3, "a heading and two teams"


async def test_status_names_who_is_on_call_covers_included(run: Run) -> None:
    await run("oncall", "cover", "data", "--who", "tom", "--until", "2h")
    assert "On call: data tom, office ana." in (await run("status"))[2]


async def test_a_cover_counts_at_once_is_listed_and_ends(run: Run) -> None:
    code, said, _ = await run("oncall", "cover", "data", "--who", "tom", "--until", "2h")
    assert code == 0
    assert said.startswith("tom covers data from ")
    assert said.endswith(" (cover 1).\n")
    assert json.loads((await run("oncall", "data", "-o", "json"))[1])[0]["on_call"] == "tom"
    listed = json.loads((await run("oncall", "list", "data", "-o", "json"))[1])
    assert (listed[0]["person"], listed[0]["note"], listed[0]["cover"]) == ("tom", "covers", 1)
    assert all(one["to_at"] == two["from_at"] for one, two in itertools.pairwise(listed))
    assert (await run("oncall", "end", "1"))[1] == "tom does not cover data any more.\n"
    assert json.loads((await run("oncall", "data", "-o", "json"))[1])[0]["on_call"] != "tom"


async def test_without_an_end_a_cover_lasts_until_the_next_hand_over(run: Run) -> None:
    [now] = json.loads((await run("oncall", "data", "-o", "json"))[1])
    await run("oncall", "cover", "data", "--who", "tom")
    [cover] = json.loads((await run("oncall", "data", "-o", "json"))[1])
    assert (cover["until_at"], cover["then"]) == (now["until_at"], now["then"])


async def test_two_people_swap_their_next_shifts(run: Run) -> None:
    before = json.loads((await run("oncall", "list", "data", "--weeks", "1", "-o", "json"))[1])
    code, said, _ = await run("oncall", "swap", "data", "ana", "raj")
    assert (code, len(said.splitlines())) == (0, 2)
    after = json.loads((await run("oncall", "list", "data", "--weeks", "1", "-o", "json"))[1])
    assert [one["person"] for one in before[1:3]] == [one["person"] for one in reversed(after[1:3])]


async def test_check_names_gaps_and_people_without_a_way_to_be_reached(run: Run) -> None:
    code, said, _ = await run("oncall", "check", "-o", "json")
    gap, nobody = json.loads(said)
    assert code == 1
    assert (gap["team"], gap["person"]) == ("office", "ana")
    assert gap["trouble"].startswith("only the lead answers from ")
    assert gap["trouble"].endswith(", and 52 times more within 52 weeks")
    assert (nobody["person"], nobody["trouble"]) == ("tom", "has neither email nor slack")


async def test_check_live_names_who_is_on_call_in_do_not_disturb(run: Run, tmp_path: Path) -> None:
    rules, now, hour = tmp_path / "rules.yaml", SystemClock().now(), timedelta(hours=1)
    async with fake_slack("data-alerts") as slack:
        channel = f'channels: {{ slack: {{ token: {TOKEN}, api: "{slack.api}" }} }}\n'
        with_slack = rules.read_text().replace("email: ana", "slack: U01ANA, email: ana")
        with_slack = with_slack.replace("email: raj", "slack: U02RAJ, email: raj")
        # Without turns: whenever this runs, data is raj's and office is its lead's.
        rules.write_text(with_slack.replace("order: [ana, raj]", "order: [raj]") + channel)
        slack.silences = {
            "U01ANA": _span(now - hour, now + 48 * hour),
            "U02RAJ": _span(now + hour, now + 49 * hour),
        }
        code, said, err = await run("oncall", "check", "--live", "-o", "json")
        assert (code, err) == (1, "")
        silent = [one for one in json.loads(said) if "Disturb" in one["trouble"]]
        assert [(one["team"], one["person"]) for one in silent] == [
            ("office", "ana"),
            ("data", "raj"),
        ]
        assert re.fullmatch(r"on call in Do Not Disturb now until .* Berlin", silent[0]["trouble"])
        assert re.fullmatch(r"on call in .* from .* until .* Kolkata", silent[1]["trouble"])
        slack.troubles.append(Trouble(code="missing_scope"))
        code, said, err = await run("oncall", "check", "--live")
        assert (code, said) == (3, "")
        assert "who is in Do Not Disturb is not known: slack refused: missing_scope" in err


def _span(begins_at: datetime, ends_at: datetime) -> tuple[int, int]:
    return int(begins_at.timestamp()), int(ends_at.timestamp())


async def test_check_live_without_slack_is_wrong_use(run: Run) -> None:
    code, said, err = await run("oncall", "check", "--live")
    assert (code, said) == (2, "")
    assert "--live asks Slack: write its `token` under `channels: slack:`" in err


async def test_the_shifts_of_a_person_are_exported_covers_included(run: Run) -> None:
    await run("oncall", "cover", "data", "--who", "tom", "--until", "2h")
    code, said, _ = await run("oncall", "export", "tom", "--weeks", "2")
    assert code == 0
    assert said.startswith("BEGIN:VCALENDAR\r\n"), "as RFC 5545 has it"
    summaries = [line for line in said.splitlines() if line.startswith("SUMMARY:")]
    assert summaries[0] == "SUMMARY:On call: data (cover)"
    assert set(summaries[1:]) == {"SUMMARY:On call: office"}
    again = (await run("oncall", "export", "tom", "--weeks", "2"))[1]
    uids = [
        [line for line in text.splitlines() if line.startswith("UID:")] for text in (said, again)
    ]
    assert uids[0] == uids[1]


async def test_a_calendar_is_taken_over_as_covers(run: Run, tmp_path: Path) -> None:
    day = SystemClock().now().date() + timedelta(days=60)
    event = "BEGIN:VEVENT\nSUMMARY:{}\nDTSTART:{:%Y%m%d}\nEND:VEVENT\n"
    whole = "BEGIN:VCALENDAR\n{}END:VCALENDAR\n"
    (tmp_path / "good.ics").write_text(whole.format(event.format("tom", day)))
    both = event.format("tom", day) + event.format("uwe", day)
    (tmp_path / "bad.ics").write_text(whole.format(both))
    code, said, ending = await run("oncall", "import", "data", "good.ics")
    assert (code, ending) == (0, "1 of 1 events are new covers.\n")
    until = day + timedelta(days=1)
    assert said == (
        f"tom covers data from {day:%a %d %b} 00:00 Berlin to {until:%a %d %b} 00:00 Berlin (cover 1).\n"
    )
    assert (await run("oncall", "import", "data", "good.ics"))[2].startswith("0 of 1 events")
    code, _, trouble = await run("oncall", "import", "data", "bad.ics")
    assert code == 1
    assert trouble.startswith("the calendar: the event `uwe` names nobody of `people:`")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("export", "uwe"), 2, "nobody is called uwe: known under `people:` are ana, raj, tom"),
        (("dat",), 2, "there is no team dat; there are: data, office"),
        (("cover", "data", "--who", "uwe"), 4, "nobody is called uwe"),
        (
            ("cover", "data", "--who", "tom", "--until", "noon"),
            2,
            "--until noon: write it like `2h`",
        ),
        (("swap", "data", "ana", "tom"), 1, "ana and tom have no two shifts of data to swap"),
        (("import", "data", "gone.ics"), 2, "gone.ics cannot be read: No such file or directory"),
        (
            ("import", "data", "http://127.0.0.1:1/secret.ics"),
            3,
            "127.0.0.1 cannot be asked: ConnectError",
        ),
        (("end", "7"), 1, "there is no cover 7 to end"),
    ],
)
async def test_what_cannot_be_is_refused(
    run: Run, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ended, said, trouble = await run("oncall", *words)
    assert (ended, said) == (code, "")
    assert sentence in trouble

import json
from dataclasses import replace
from typing import Any

from hypothesis import given

from notifiers.base import Message, Part, Rendered, Report, ReportPart
from notifiers.report_slack import render_report_slack
from notifiers.samples import sample_handover, sample_report
from notifiers.slack import Slack
from notifiers.slack_blocks import shorter
from tests.any_reports import any_report_messages
from tests.golden_files import assert_golden
from tests.slack_limits import live_parts, refusal, texts_of, visible


def message_of(report: Report) -> Message:
    return Message("n-9", "#data-alerts", Part.ROOT, 1, report)


def seen(rendered: Rendered) -> str:
    return "\n".join(visible(one) for one in texts_of(rendered.body["blocks"]))


def test_a_report_looks_as_agreed() -> None:
    body = Slack("xoxb-1").render(message_of(sample_report())).body
    pretty = json.dumps(body, indent=1, ensure_ascii=False, sort_keys=True)
    assert_golden("slack_report.json", pretty + "\n")


def test_a_hand_over_looks_as_agreed_to_its_person_and_in_its_channel() -> None:
    told = replace(message_of(sample_handover()), address="@U02RAJ", part=Part.PAGE)
    channel = message_of(replace(sample_handover(), parts=()))
    bodies = [Slack("xoxb-1").render(one).body for one in (told, channel)]
    pretty = json.dumps(bodies, indent=1, ensure_ascii=False, sort_keys=True)
    assert_golden("slack_on_call.json", pretty + "\n")


def test_the_line_of_a_hand_over_is_what_a_phone_shows() -> None:
    line = render_report_slack(message_of(sample_handover())).line
    assert line == "🗓 ON CALL data: raj until Mon 9 Jun 10:00 (then mei) · 1 open: #1051"


def test_its_line_says_the_result() -> None:
    report = replace(sample_report(), parts=sample_report().parts[:1])
    line = render_report_slack(message_of(report)).line
    assert line.startswith("📋 REPORT Issues this morning: repositories 120, successful 113")
    assert len(line) <= 80


def test_its_line_says_first_what_could_not_be_asked() -> None:
    line = render_report_slack(message_of(sample_report())).line
    assert line == "📋 REPORT Issues this morning: 1 of 4 parts could not be asked"


@given(any_report_messages())
def test_slack_takes_every_report_and_nothing_in_it_comes_alive(message: Message) -> None:
    rendered = render_report_slack(message)
    assert refusal(dict(rendered.body)) == ""
    assert 2 <= len(rendered.body["blocks"]) <= 5
    assert len(rendered.line) <= 80
    marked = [rendered.body["text"], *texts_of(rendered.body["blocks"], "mrkdwn")]
    assert [live for one in marked for live in live_parts(one)] == []


def test_what_fits_into_no_block_is_counted() -> None:
    row = tuple("<&>" * 20 for _ in range(6))
    full = ReportPart("Most overdue", columns=tuple("abcdef"), rows=(row,) * 20)
    report = replace(sample_report(), parts=(full,) * 6)
    rendered = render_report_slack(message_of(report))
    assert refusal(dict(rendered.body)) == ""
    assert "more lines: see the mail" in seen(rendered)


def test_a_late_report_says_when_it_was_due() -> None:
    report = sample_report()
    late = replace(report, at=report.due_at.replace(hour=9))
    assert "Wed 10 Jun, 11:00 Berlin; it was due 08:00" in seen(
        render_report_slack(message_of(late))
    )


def test_a_report_of_no_team_names_none() -> None:
    told = seen(render_report_slack(message_of(replace(sample_report(), team=""))))
    assert told.endswith("Wed 10 Jun, 08:00 Berlin · issues-morning")


def test_data_that_breaks_the_layout_leaves_the_line() -> None:
    nonsense: dict[str, Any] = {"parts": None}
    rendered = render_report_slack(message_of(replace(sample_report(), **nonsense)))
    assert rendered.line == "📋 REPORT Issues this morning"
    assert refusal(dict(rendered.body)) == ""


def test_a_refused_layout_leaves_the_line_and_then_a_stub() -> None:
    message = message_of(sample_report())
    rendered = render_report_slack(message)
    assert shorter(rendered.body, message, 1)["text"] == rendered.line
    assert shorter(rendered.body, message, 2)["text"].startswith("Report: its message could not")

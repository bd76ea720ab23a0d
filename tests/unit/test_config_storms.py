"""What `storms:` may say."""

from datetime import timedelta

import pytest

from watchdog.config.load import load_text
from watchdog.domain.people import Storms

REST = """
version: 1
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana } }
sources: { main: { postgres: postgres://db/x, team: data } }
rules: { late: { team: data, queue: { source: main, table: jobs, max_rows: 10 } } }
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", Storms(5, timedelta(minutes=5))),
        ("storms:", Storms()),
        ("storms: {}", Storms()),
        ("storms: { more_than: 20 incidents }", Storms(20)),
        ("storms: { more_than: 1 incident, within: 1h30m }", Storms(1, timedelta(minutes=90))),
        ("storms: off", None),
        ("storms: 'off'", None),
    ],
)
def test_storms_are_five_in_five_minutes_unless_it_is_said_otherwise(
    written: str, read: Storms | None
) -> None:
    loaded = load_text({"rules.yaml": f"{REST}{written}\n"}, "rules.yaml", {})
    assert loaded.errors == ()
    assert loaded.config is not None
    assert loaded.config.storms == read


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("{ more_than: 0 incidents }", "bad-incidents", "write `1 incident`"),
        ("{ more_than: 1001 incidents }", "bad-incidents", "write `5 incidents`"),
        ("{ more_than: seven }", "bad-incidents", "write `5 incidents`"),
        ("{ more_than: 7 }", "bad-incidents", "write `7 incidents`"),
        ("{ within: 0s }", "bad-duration", "write `30m`"),
        ("false", "wrong-type", "write `{ more_than: 5 incidents, within: 5m }`"),
        ("[off]", "wrong-type", ""),
    ],
)
def test_what_storms_cannot_say_is_refused_with_what_would_be_right(
    written: str, code: str, hint: str
) -> None:
    loaded = load_text({"rules.yaml": f"{REST}storms: {written}\n"}, "rules.yaml", {})
    [problem] = loaded.errors
    assert (problem.code, problem.label) == (code, hint)


def test_storms_stand_in_one_file() -> None:
    files = {
        "rules.yaml": f"{REST}include: [more.yaml]\nstorms: off\n",
        "more.yaml": "storms: off\n",
    }
    codes = [one.code for one in load_text(files, "rules.yaml", {}).errors]
    assert codes == ["duplicate-section"]

"""F67: a rule that flips at each evaluation gives one incident and few messages, whatever the hour."""

from collections import Counter
from pathlib import Path

from tests.acceptance.running import Receivers
from tests.acceptance.small_world import set_broken, small_program

LOOKS_AN_HOUR = 720
PUSHES_MAX = 10
"""Opened, and back again until the sixth change, each to the owner and in the channel."""


def pushes(receivers: Receivers, since: int) -> Counter[str]:
    """Return what was posted to people and channels since then, by its word."""
    posts = [one for one in receivers.slack()[since:] if one["what"] == "post"]
    return Counter(one["text"].split()[1] for one in posts)


def test_what_flips_at_each_look_gives_one_incident_and_a_bounded_number_of_messages(
    tmp_path: Path,
) -> None:
    with small_program(tmp_path) as (program, receivers):
        for look in range(LOOKS_AN_HOUR // 6):
            set_broken(tmp_path, (look + 1) % 2)
            program.advance(5)
        begun = len(receivers.slack()), len(receivers.mails())
        first = pushes(receivers, 0)
        for look in range(LOOKS_AN_HOUR // 6):
            set_broken(tmp_path, (look + 1) % 2)
            program.advance(5)
        later = len(receivers.slack()) - begun[0], len(receivers.mails()) - begun[1]
        listed = program.run("incidents", "--all", "-o", "tsv").splitlines()[1:]
        print(f"F67: {sum(first.values())} posts and {begun[1]} mails until it flaps, then {later}")
        assert [line.split("\t")[0] for line in listed if "\t" in line] == ["1001"]
        assert first["FLAPPING"] == 1, "one line in the channel"
        assert sum(first.values()) - 1 <= PUSHES_MAX + first["RECOVERED"]
        assert later == (0, 0), "nothing more while it flaps"
        set_broken(tmp_path, 0)
        program.advance(5 * 20)
        assert "RECOVERED" in receivers.slack()[-1]["text"]

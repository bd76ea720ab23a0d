"""F67: a rule that flips at each evaluation gives one incident and few messages, whatever the hour."""

from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import set_broken, small_program

LOOKS, MANY_LOOKS = 40, 360
"""Until it flaps, and as many while it does; together the greater ones are an hour."""

PUSHES_MAX = 10
"""Opened, and back again until the sixth change, each to the owner and in the channel."""


def pushes(receivers: Receivers, since: int) -> Counter[str]:
    """Return what was posted to people and channels since then, by its word."""
    posts = [one for one in receivers.slack()[since:] if one["what"] == "post"]
    return Counter(one["text"].split()[1] for one in posts)


def flip(program: Program, folder: Path, looks: int) -> None:
    """Let every other look find it broken, and the last one good."""
    for look in range(looks):
        set_broken(folder, (look + 1) % 2)
        program.advance(5)


@pytest.mark.parametrize("looks", [LOOKS, pytest.param(MANY_LOOKS, marks=pytest.mark.long)])
def test_what_flips_at_each_look_gives_one_incident_and_a_bounded_number_of_messages(
    tmp_path: Path, looks: int
) -> None:
    with small_program(tmp_path) as (program, receivers):
        flip(program, tmp_path, looks)
        begun = len(receivers.slack()), len(receivers.mails())
        first = pushes(receivers, 0)
        flip(program, tmp_path, looks)
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

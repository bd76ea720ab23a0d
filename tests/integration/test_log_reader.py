"""Logs as they are really kept: every line is counted once, whatever is done to their files."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.base import Unanswered
from rules.file_questions import LogQuestion
from tests.log_files import Log, Reading, lines_of, reading
from tests.postgres import NIGHT
from watchdog.sources import log_reader
from watchdog.sources.log_files import LogFiles
from watchdog.sources.places import Refused, opened

DAY = timedelta(days=1)


@pytest.fixture
def one(tmp_path: Path) -> Reading:
    return reading(tmp_path)


def test_new_lines_are_counted_once(one: Reading) -> None:
    one.log.append(3)
    assert one.count == 3
    assert one.count == 3
    one.log.append(2)
    assert one.count == 5


def test_lines_leave_the_window(one: Reading) -> None:
    one.log.append(3)
    one.log.pass_time(minutes=9)
    one.log.append()
    assert one.count == 4
    one.log.pass_time(minutes=1)
    assert one.count == 1
    one.log.pass_time(minutes=10)
    assert one.count == 0
    assert one.group().last_at == NIGHT + timedelta(minutes=9)


def test_a_half_written_line_waits_for_its_end(one: Reading) -> None:
    whole = one.log.line()
    one.log.write(whole[:20])
    assert one.count == 0
    one.log.write(whole[20:-1])
    assert one.count == 0
    one.log.write(whole[-1:])
    assert one.count == 1


def test_a_renamed_log_is_read_to_its_end(one: Reading) -> None:
    one.log.append(2)
    assert one.count == 2
    one.log.append(3)
    one.log.rotate()
    one.log.append(4)
    assert one.count == 9


def test_a_program_that_writes_on_to_the_renamed_log_is_heard(one: Reading) -> None:
    one.log.append()
    assert one.count == 1
    one.log.rotate()
    with one.log.rotated(1).open("ab") as file:
        file.write(one.log.line())
    assert one.count == 2
    one.log.append()
    assert one.count == 3


def test_a_log_that_is_gone_for_a_moment_is_not_counted_again(one: Reading) -> None:
    one.log.append(3)
    assert one.count == 3
    one.log.path.rename(one.log.rotated(1))
    assert one.reply().files == 0
    one.log.append(2)
    assert one.count == 5


def test_a_copied_and_emptied_log_is_read_to_its_end(one: Reading) -> None:
    one.log.append(2)
    assert one.count == 2
    one.log.append(3)
    one.log.copy_and_truncate()
    assert one.count == 5
    one.log.append(1)
    assert one.count == 6


def test_a_look_between_copy_and_emptying_counts_nothing_twice(one: Reading) -> None:
    one.log.append(2)
    assert one.count == 2
    one.log.append(1)
    one.log.rotated(1).write_bytes(one.log.path.read_bytes())
    assert one.count == 3
    os.truncate(one.log.path, 0)
    assert one.count == 3
    one.log.append(1)
    assert one.count == 4


def test_a_pattern_that_names_the_rotated_logs_counts_nothing_twice(tmp_path: Path) -> None:
    one = reading(tmp_path, "api.log*")
    one.log.append(2)
    assert one.count == 2
    one.log.copy_and_truncate()
    one.log.append(2)
    assert one.count == 4
    one.log.rotate()
    one.log.append(2)
    assert one.count == 6


def test_an_emptied_log_is_read_from_its_beginning(one: Reading) -> None:
    one.log.append(5)
    assert one.count == 5
    os.truncate(one.log.path, 0)
    assert one.count == 5
    one.log.append(7, message="longer than before, so that the place read last is passed")
    assert one.count == 12


def test_a_log_made_anew_in_the_same_place_is_read_from_its_beginning(one: Reading) -> None:
    one.log.append(3)
    assert one.count == 3
    one.log.path.unlink()  # the file system may well give its inode to the next one
    one.log.append(4)
    assert one.count == 7


def test_zeros_before_what_is_written_on_after_emptying_are_no_line(one: Reading) -> None:
    one.log.append(3)
    assert one.count == 3
    os.truncate(one.log.path, 0)
    one.log.write(bytes(3_000_000) + one.log.line())
    assert (one.count, one.reply().skipped) == (4, 0)


@pytest.mark.parametrize("way", ["rotate", "copy_and_truncate"])
def test_a_restart_in_the_middle_of_a_window_changes_no_count(one: Reading, way: str) -> None:
    one.log.append(2)
    one.log.pass_time(minutes=8)
    one.log.append(3)
    assert one.count == 5
    getattr(one.log, way)()
    one.log.append(1)
    one.restart()
    assert one.count == 6
    one.log.pass_time(minutes=3)
    assert one.count == 4


def test_after_a_restart_only_what_may_matter_is_read(one: Reading) -> None:
    one.log.append(20_000, text="x" * 100)
    one.log.pass_time(hours=1)
    one.log.append(10)
    assert one.count == 10
    assert one.reply().is_understood
    [file] = one.reader._files._known
    [position] = file.positions.values()
    assert position.offset == one.log.path.stat().st_size


def test_a_question_that_comes_later_knows_what_came_before(one: Reading) -> None:
    one.log.append(4)
    assert one.count == 4
    other = Reading(one.log, lines_of(str(one.log.path), where={"n": "> 1"}), one.reader)
    assert other.count == 2
    one.log.append(3)
    assert (one.count, other.count) == (7, 5)


def test_a_question_that_is_asked_no_more_is_forgotten(one: Reading) -> None:
    one.log.append()
    other = Reading(one.log, lines_of(str(one.log.path), where={"n": 0}), one.reader)
    assert (one.count, other.count) == (1, 1)
    one.log.pass_time(hours=2)
    assert one.count == 0
    assert list(one.reader._tallies) == [one.lines]


def test_conditions_entities_values_and_errors_are_taken_from_the_lines(tmp_path: Path) -> None:
    one = reading(
        tmp_path,
        where={"level": ["ERROR", "FATAL"]},
        entity=(("route",), ("extra", "shop")),
        value=("took",),
        error=("message",),
    )
    one.log.append(level="INFO", route="/a")
    one.log.append(level="ERROR", route="/a", extra={"shop": 7}, took=5, message="bad token")
    one.log.append(level="FATAL", route="/a", extra={"shop": 7}, took=2.5, message="worse")
    one.log.append(level="ERROR", took="slow")
    groups = {group.entity: group for group in one.reply().groups}
    assert set(groups) == {("/a", "7"), ("unknown", "unknown")}
    found = groups["/a", "7"]
    assert (found.count, found.values, found.error) == (2, (2.5, 5.0), "worse")
    assert found.line.startswith('{"timestamp": ')
    assert groups["unknown", "unknown"].values == ()


def test_lines_that_are_no_json_are_counted_and_left_out(one: Reading) -> None:
    one.log.write(b"Traceback (most recent call last):\n[1, 2]\n7\n\n   \n\xff\xfe\n")
    one.log.append(message="b\u00fccher")
    one.log.write(one.log.line(message="x").replace(b'"x"', b'"\xff\xfe"'))
    reply = one.reply()
    assert (reply.is_understood, reply.skipped) == (True, 4)
    assert one.count == 2


def test_a_line_that_a_runtime_has_cut_is_one(one: Reading) -> None:
    whole = one.log.line(message="x" * 40_000).decode().strip()
    for mark, piece in (("P", whole[:16_384]), ("P", whole[16_384:32_768]), ("F", whole[32_768:])):
        one.log.write(f"{one.log.now.isoformat()} stdout {mark} {piece}\n".encode())
    reply = one.reply()
    assert (one.count, reply.skipped) == (1, 0)


def test_a_look_between_the_pieces_of_a_line_loses_none_of_them(one: Reading) -> None:
    whole = one.log.line(message="x" * 40_000).decode().strip()
    stamp = one.log.now.isoformat()
    one.log.append()
    one.log.write(f"{stamp} stdout P {whole[:16_384]}\n".encode())
    one.log.write(f"{stamp} stdout P {whole[16_384:32_768]}\n".encode())
    assert one.count == 1
    one.log.write(f"{stamp} stdout F {whole[32_768:]}\n".encode())
    assert (one.count, one.reply().skipped) == (2, 0)


def test_a_line_that_is_cut_where_a_chunk_ends_is_one(
    one: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "CHUNK_BYTES", 700)
    stamp = one.log.now.isoformat()
    for _ in range(20):
        whole = one.log.line(message="x" * 300).decode().strip()
        one.log.write(f"{stamp} stdout P {whole[:200]}\n{stamp} stdout F {whole[200:]}\n".encode())
    assert (one.count, one.reply().skipped) == (20, 0)


def test_pieces_that_fill_a_chunk_and_never_end_hold_nothing_up(
    one: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "CHUNK_BYTES", 700)
    one.log.write(f"{one.log.now.isoformat()} stdout P {'x' * 100}\n".encode() * 30)
    one.log.append()
    assert one.count == 1


def test_a_line_without_a_time_is_as_old_as_the_one_before(one: Reading) -> None:
    one.log.append()
    one.log.write(b'{"message": "no time"}\n')
    one.log.pass_time(minutes=5)
    assert one.count == 2
    one.restart()
    assert one.count == 2
    one.log.pass_time(minutes=5)
    assert one.count == 0


def test_a_log_without_any_time_cannot_be_judged(one: Reading) -> None:
    one.log.write(b'{"message": "a"}\n{"message": "b"}\n')
    assert one.reason() == f"no line of {one.log.path} says when it was written: see `time`"


def test_a_line_far_from_the_future_is_as_old_as_the_one_before(one: Reading) -> None:
    one.log.append()
    one.log.write(one.log.line().replace(b"2025", b"2099"))
    assert one.count == 2
    one.log.pass_time(minutes=10)
    assert one.count == 0


def test_a_clock_that_is_a_bit_ahead_loses_no_line(one: Reading) -> None:
    one.log.pass_time(minutes=2)
    one.log.append(3)
    one.log.pass_time(minutes=-2)
    assert one.count == 3


def test_a_line_that_is_too_long_is_left_out(one: Reading) -> None:
    one.log.append()
    one.log.write(b'{"text": "' + b"x" * 5_000_000)
    assert one.count == 1
    one.log.write(b'"}\n')
    one.log.append()
    assert (one.count, one.reply().skipped) == (2, 0)


def test_a_log_that_has_grown_too_fast_is_read_over_several_looks(
    one: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "LOOK_BYTES_MAX", 2_000_000)
    one.log.append(50_000, text="x" * 40)
    size = one.log.path.stat().st_size
    looks = 0
    while not hasattr(answer := one.ask(), "groups"):
        assert str(one.log.path) in getattr(answer, "reason", "")
        looks += 1
        assert looks < 20
    assert looks >= size // 4_000_000
    assert one.count == 50_000


def test_enough_lines_are_an_answer_even_when_more_are_to_be_read(
    one: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "LOOK_BYTES_MAX", 2_000_000)
    one.log.append(50_000, text="x" * 40)
    assert one.reason(enough=49_999).endswith("MB are still to be read")
    reply = one.reply(enough=10)
    assert reply.unread_bytes > 0
    assert 10 < reply.groups[0].count < 50_000


def test_counts_of_earlier_windows_are_kept(tmp_path: Path) -> None:
    one = reading(tmp_path, kept=timedelta(minutes=50))
    for count in (9, 1, 2, 3, 4, 5):
        one.log.append(count)
        one.log.pass_time(minutes=10)
    one.log.pass_time(minutes=-5)
    found = one.group()
    assert (found.count, found.earlier) == (5, (4, 3, 2, 1))
    one.restart()
    assert one.group() == found


def test_an_entity_without_lines_is_forgotten(tmp_path: Path) -> None:
    one = reading(tmp_path, entity=(("route",),))
    one.log.append(route="/a")
    one.log.pass_time(minutes=9)
    one.log.append(route="/b")
    assert {group.entity for group in one.reply().groups} == {("/a",), ("/b",)}
    one.log.pass_time(minutes=5)
    assert {group.entity for group in one.reply().groups} == {("/b",)}


def test_more_entities_than_can_be_told_are_cut_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.sources.log_tally.ROWS_MAX", 3)
    one = reading(tmp_path, entity=(("n",),))
    one.log.append(4)
    reply = one.reply()
    assert (len(reply.groups), reply.truncated) == (3, True)


def test_of_thousands_of_values_a_sample_is_kept(tmp_path: Path) -> None:
    one = reading(tmp_path, value=("n",))
    one.log.append(20_000)
    values = one.group().values
    assert 2000 < len(values) < 5000
    assert values == tuple(sorted(values))
    assert 9_500 < values[len(values) // 2] < 10_500


def test_packed_logs_pipes_and_folders_are_left_out(tmp_path: Path) -> None:
    one = reading(tmp_path, "*.log*")
    one.log.append(2)
    (tmp_path / "api.log.2.gz").write_bytes(one.log.line())
    (tmp_path / "d.log").mkdir()
    os.mkfifo(tmp_path / "p.log")
    assert one.count == 2


def test_a_link_is_followed_to_where_the_log_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    (tmp_path / "containers").mkdir()
    log = Log(tmp_path / "pods" / "0.log")
    (tmp_path / "containers" / "api.log").symlink_to(log.path)
    (tmp_path / "containers" / "same.log").symlink_to(log.path)
    one = Reading(log, lines_of(str(tmp_path / "containers" / "*.log")))
    log.append(2)
    assert one.count == 2
    log.append(1)
    log.path.rename(tmp_path / "pods" / "0.log.20250613-021500")
    log.append(1)
    assert one.count == 4
    one.restart()
    assert one.count == 4


def test_logs_that_begin_alike_are_two_logs(tmp_path: Path) -> None:
    one = reading(tmp_path, "*.log")
    one.log.append(2)
    (tmp_path / "web.log").write_bytes(one.log.path.read_bytes())
    assert one.count == 4


def test_an_empty_log_is_there_and_a_missing_one_is_not(one: Reading) -> None:
    assert one.reply().files == 0
    one.log.path.touch()
    assert one.reply().files == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("pass"), st.integers(1, 400)),
        st.sampled_from([("rotate", 0), ("copy", 0), ("empty", 0), ("restart", 0), ("look", 0)]),
    ),
    max_size=30,
)


def _step(one: Reading, what: str, number: int) -> None:
    if what == "append":
        one.log.append(number)
    elif what == "pass":
        one.log.pass_time(seconds=number)
    elif what == "rotate":
        one.log.rotate()
    elif what == "copy":
        one.log.copy_and_truncate()
    elif what == "restart":
        one.restart()


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_to_a_log_each_line_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    one = reading(tmp_path_factory.mktemp("logs"))
    emptied = False
    for what, number in steps:
        if what == "empty":
            # What an emptied log held is known only to who has looked before; and lost to the next.
            one.count  # noqa: B018
            if one.log.path.exists():
                os.truncate(one.log.path, 0)
            emptied = True
        elif what == "restart" and emptied:
            continue
        else:
            _step(one, what, number)
        if what == "look":
            assert one.count == one.log.in_window
    assert one.count == one.log.in_window


def test_questions_about_one_log_are_read_for_together(one: Reading) -> None:
    one.log.append(10)
    both = [LogQuestion("@files", lines_of(str(one.log.path), where=w), one.log.now)
            for w in ({"n": "> 4"}, {"n": "<= 4"})]  # fmt: skip
    found = one.reader.look(both, [str(one.log.path)], time.monotonic() + 60)
    assert [getattr(found[one], "groups")[0].count for one in both] == [5, 5]  # noqa: B009
    [file] = one.reader._files._known
    assert len({position.offset for position in file.positions.values()}) == 1


def test_reading_stops_when_its_time_is_over(one: Reading) -> None:
    one.log.append(10)
    question = LogQuestion("@files", one.lines, one.log.now)
    found = one.reader.look([question], one.lines.files, ends_s=0)
    assert found[question] == Unanswered(f"{one.log.path}: 510 B are still to be read")
    assert one.count == 10


def test_a_rotated_log_that_cannot_be_read_is_left_out(one: Reading) -> None:
    one.log.append(2)
    one.log.rotated(1).symlink_to(one.log.rotated(1))
    assert one.count == 2


def test_a_log_that_cannot_be_read_is_told(one: Reading) -> None:
    one.log.path.symlink_to(one.log.path)
    with pytest.raises(Refused, match=r"api\.log cannot be read: too many levels"):
        one.ask()


@pytest.mark.parametrize("change", ["empty", "write anew", "replace", "grow"])
def test_a_log_that_changes_between_finding_and_opening_is_noticed(
    one: Reading, change: str
) -> None:
    one.log.append(5)
    [(_, seen)] = LogFiles().look([str(one.log.path)], 0.0, 0.0)
    if change == "empty":
        os.truncate(one.log.path, 0)
    elif change == "write anew":
        one.log.path.write_bytes(b"x" * one.log.path.stat().st_size)
    elif change == "replace":
        copy = one.log.rotated(1)
        copy.write_bytes(one.log.path.read_bytes())
        copy.rename(one.log.path)
    else:
        one.log.append()
    with opened(seen.path) as descriptor:
        assert descriptor is not None
        assert seen.is_still(descriptor) == (change == "grow")

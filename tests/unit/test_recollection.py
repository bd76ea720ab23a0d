"""What kinds remember: as long as the rule watches the same thing, and each change written once."""

from hypothesis import given
from hypothesis import strategies as st

from tests.watching import stuck_rule
from watchdog.engine.recollection import Recollection
from watchdog.store.remembered import Changes

RULE = stuck_rule("jobs")
OTHER_TABLE = stuck_rule("jobs", settings={"table": "task"})


def empty() -> Recollection:
    return Recollection({}, {})


def test_what_was_remembered_is_recalled_and_waits_to_be_written() -> None:
    one = empty()
    one.take(RULE, {"a": "1", "b": "2"})
    assert one.of(RULE) == {"a": "1", "b": "2"}
    assert one.unwritten() == {"jobs": {"a": "1", "b": "2"}}


def test_the_same_again_is_not_written_again() -> None:
    one = empty()
    one.take(RULE, {"a": "1"})
    one.written(one.unwritten())
    one.take(RULE, {"a": "1"})
    assert one.unwritten() == {}


def test_a_forgotten_key_is_not_recalled_and_its_end_is_written() -> None:
    one = Recollection({"jobs": {"a": "1"}}, {"jobs": RULE.identity})
    one.take(RULE, {"a": None})
    assert one.of(RULE) == {}
    assert one.unwritten() == {"jobs": {"a": None}}


def test_what_comes_while_a_batch_is_written_waits_for_the_next() -> None:
    one = empty()
    one.take(RULE, {"a": "1", "b": "1"})
    batch = one.unwritten()
    one.take(RULE, {"a": "2"})
    one.written(batch)
    assert one.unwritten() == {"jobs": {"a": "2"}}


def test_a_rule_that_watches_something_else_recalls_nothing_of_before() -> None:
    one = empty()
    one.take(RULE, {"a": "1"})
    assert one.of(OTHER_TABLE) == {}
    one.take(OTHER_TABLE, {"b": "1"})
    assert one.of(OTHER_TABLE) == {"b": "1"}
    assert one.unwritten() == {"jobs": {"b": "1"}}


def test_a_rule_that_is_gone_is_forgotten_with_what_waited() -> None:
    one = empty()
    one.take(RULE, {"a": "1"})
    one.keep_only({"other": "x"})
    assert one.of(RULE) == {}
    assert one.unwritten() == {}


KEYS = st.dictionaries(st.sampled_from("abc"), st.none() | st.sampled_from("12"), max_size=3)


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=12))
def test_what_is_written_is_always_what_is_recalled(
    steps: list[tuple[dict[str, str | None], bool]],
) -> None:
    one, stored = empty(), dict[str, str]()

    def write(changes: Changes) -> None:
        for key, value in changes.get("jobs", {}).items():
            stored.pop(key, None)
            if value is not None:
                stored[key] = value
        one.written(changes)

    for changes, flushes in steps:
        one.take(RULE, changes)
        if flushes:
            write(one.unwritten())
    write(one.unwritten())
    assert stored == dict(one.of(RULE))

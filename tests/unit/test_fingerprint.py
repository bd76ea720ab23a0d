"""What makes two findings the same thing."""

from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.fingerprint import fingerprint

PAIRS = st.lists(st.tuples(st.text(), st.text()), max_size=3, unique_by=lambda pair: pair[0]).map(
    tuple
)


@given(st.text(), PAIRS, st.text(), PAIRS)
def test_different_things_have_different_fingerprints(
    rule: str, entity: tuple[tuple[str, str], ...], other: str, others: tuple[tuple[str, str], ...]
) -> None:
    same = rule == other and sorted(entity) == sorted(others)
    assert (fingerprint(rule, entity) == fingerprint(other, others)) == same


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert fingerprint("a", (("b", "c"),)) != fingerprint("ab", (("", "c"),))
    assert fingerprint("a", (("b", "cd"),)) != fingerprint("a", (("bc", "d"),))


def test_a_lone_surrogate_from_data_is_no_trouble() -> None:
    assert len(fingerprint("a", (("b", "\ud800"),))) == 32

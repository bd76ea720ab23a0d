"""Facts as data may make them: emoji, right to left, markup of all receivers, far too long."""

from datetime import UTC

from hypothesis import strategies as st

from notifiers.base import Event, Facts, Message, Part

NASTY = [
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1|general>",
    "<http://evil.example|your bank>",
    "&lt;!channel&gt;",
    "@channel @here http://evil.example",
    "*bold* _it_ ~gone~ `code` ```fence``` :rotating_light:",
    ">quoted\n>more",
    "x\r\nBcc: evil@example.org",
    "=?utf-8?q?x=0D=0ABcc:_evil@example.org?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUub3Jn?=",
    "x\u2028Bcc: evil\x85Bcc: evil\x0bBcc: evil",
    "<script>alert(1)</script><img src=http://evil.example/x.png>",
    "{{ 7 * 7 }}{% for x in y %}",
    "\u202egnirts desrever\u2066\u2069",
    "مزامنة الطلبات توقفت",
    "👨‍👩‍👧‍👦" * 40,
    "e\u0301" * 200,
    "\u0301" * 500,
    "🇩🇪" * 60,
    "\ud800 lone",
    "\x00\x1b[31mred\x07",
    "x" * 10_000,
    "<&>" * 3_000,
    '"' * 5_000,
    "a " * 5_000,
    "",
]

_text = st.one_of(st.sampled_from(NASTY), st.text(max_size=60))
_at = st.datetimes(timezones=st.one_of(st.just(UTC), st.none()))
_maybe_at = st.one_of(st.none(), _at)
_levels = st.one_of(st.sampled_from(["critical", "warning", "info"]), _text)
_urls = st.one_of(
    st.sampled_from(
        ["", "https://watchdog.example.com/i/7", "javascript:alert(1)", "data:text/html,x"]
    ),
    _text,
)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Any facts, also such as our own code never makes."""
    return Facts(
        id=draw(st.integers(min_value=0, max_value=2**63)),
        event=draw(st.sampled_from(Event)),
        at=draw(_at),
        state=draw(st.one_of(st.sampled_from(["open", "taken", "recovered", "resolved"]), _text)),
        severity=draw(_levels),
        title=draw(_text),
        fact=draw(_text),
        detail=draw(_text),
        rule=draw(st.one_of(st.just("storm:main"), _text)),
        team=draw(_text),
        owner=draw(_text),
        owner_took_it=draw(st.booleans()),
        ends_by_hand=draw(st.booleans()),
        bad_members=draw(st.integers(min_value=-1, max_value=2**63)),
        opened_at=draw(_at),
        actor=draw(_text),
        words=draw(_text),
        failure_class=draw(_text),
        entity=draw(st.dictionaries(_text, _text, max_size=3)),
        impact=draw(_text),
        do_first=draw(_text),
        steps=tuple(draw(st.lists(_text, max_size=3))),
        runbook=draw(_urls),
        taken_at=draw(_maybe_at),
        recovered_at=draw(_maybe_at),
        first_bad_at=draw(_maybe_at),
        first_good_at=draw(_maybe_at),
        cause=draw(_text),
        cause_kind=draw(_text),
        risk=draw(_text),
        prevention=draw(_text),
        previous_severity=draw(_levels),
        zone=draw(
            st.one_of(st.sampled_from(["UTC", "Europe/Berlin", "Europe", "No/Where"]), _text)
        ),
        url=draw(_urls),
        next_person=draw(_text),
        next_at=draw(_maybe_at),
        on_call_until=draw(_maybe_at),
        times=draw(st.integers(min_value=0, max_value=2**31)),
        last_cause=draw(_text),
        last_owner=draw(_text),
        last_at=draw(_maybe_at),
    )


@st.composite
def any_messages(draw: st.DrawFn, address: str = "#support-alerts") -> Message:
    """A message of any part with any facts."""
    return Message(
        key=f"n-{draw(st.integers(min_value=1))}",
        address=address,
        part=draw(st.sampled_from(Part)),
        number=draw(st.integers(min_value=1, max_value=99)),
        facts=draw(any_facts()),
    )

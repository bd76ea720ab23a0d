"""`/watchdog` in Slack: what it answers, to whoever typed it alone."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from notifiers.clean import cut, slack_escape, slack_text
from notifiers.line import render_line
from notifiers.slack_commands import COMMAND, Command
from notifiers.slack_parts import instant, sections
from notifiers.slack_replies import reply
from notifiers.slack_targets import Target
from watchdog import silencing, verbs
from watchdog.clock import deadline
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import standing
from watchdog.domain.oncall import Duty, duties
from watchdog.domain.people import Directory, Person
from watchdog.moving import Deed
from watchdog.store import covers, incidents
from watchdog.store.pool import TROUBLE, transaction
from watchdog.verbs import NotAllowed, OwnedByOther, Refused, UnknownIncident
from watchdog.web.pressers import (
    ANSWER_WITHIN_SECONDS,
    UNSURE,
    Reply,
    Stranger,
    person_of,
    sentence,
)
from watchdog.web.presses import take_over
from watchdog.web.room import Room
from watchdog.web.silences import told, wanted_in

logger = logging.getLogger(__name__)

_LISTED_MAX = 10
_TEAMS_MAX = 20
_NUMBER_MAX = 18
_UNSURE = f"{UNSURE} Ask again."
_HELP = (
    ("list", "what is open, what nobody has taken first"),
    ("take 1042", "make incident #1042 yours"),
    ("oncall", "who is on call; `oncall TEAM` for one team"),
    ("silence orders-stale 2h deploy", "tell nothing of a rule for a while, and why"),
    ("help", "this"),
)


async def answer(room: Room, command: Command) -> Reply:
    """Return the answer to what somebody typed behind `/watchdog`."""
    name, _, rest = command.words.strip().partition(" ")
    try:
        async with deadline(ANSWER_WITHIN_SECONDS):
            person = person_of(room, command.member)
            does = _COMMANDS.get(name.lower() or "help")
            if does is None:
                return _lines([f"`{_plain(name)}` is nothing that I can do.", *_help_lines()])
            return await does(room, person, rest.strip(), command.id)
    except Stranger as stranger:
        return stranger.reply
    except (Refused, NotAllowed, UnknownIncident) as refusal:
        logger.info("command refused", extra={"command": name[:20], "refused": str(refusal)})
        return reply(_refused(refusal))
    except (TimeoutError, *TROUBLE) as error:
        reason = str(error) or type(error).__name__
        logger.warning("command not answered", extra={"command": name[:20], "reason": reason})
        return reply(_UNSURE)


def _refused(refusal: Refused | NotAllowed | UnknownIncident) -> str:
    if isinstance(refusal, UnknownIncident):
        return f"there is no incident #{refusal.number}; {COMMAND} list shows what is open"
    return str(refusal)


def _plain(text: str) -> str:
    return slack_text(cut(text, 40))


def _lines(lines: Sequence[str], text: str = "") -> Reply:
    """Return lines that only whoever typed the command sees; what is data in them is escaped."""
    return {"response_type": "ephemeral", "text": text or lines[0], "blocks": sections(lines)}


async def _help(_room: Room, _person: Person, _rest: str, _once: str) -> Reply:
    return _lines(_help_lines())


def _help_lines() -> list[str]:
    return [f"`{COMMAND} {typed}`  {what}" for typed, what in _HELP]


async def _list(room: Room, _person: Person, _rest: str, _once: str) -> Reply:
    async with transaction(room.service.pool) as conn:
        found = await incidents.unresolved(conn, _LISTED_MAX + 1)
    if not found:
        return reply("Nothing is open.")
    directory = room.service.directory()
    lines = [_line(room, one, directory) for one in found[:_LISTED_MAX]]
    url = directory.url
    if len(found) > _LISTED_MAX:
        lines.append(
            f"There are more: <{slack_escape(url)}/|all of them>" if url else "There are more."
        )
    first = found[0]
    if first.state is State.OPEN:
        lines.append(f"Take one: `{COMMAND} take {first.id}`")
    return _lines(lines, f"{len(found[:_LISTED_MAX])} shown")


def _line(room: Room, one: Incident, directory: Directory) -> str:
    facts = standing(one, directory, room.now())
    line = slack_text(render_line(facts))
    return f"<{slack_escape(facts.url)}|{line}>" if facts.url else line


async def _take(room: Room, person: Person, rest: str, once: str) -> Reply:
    typed = rest.removeprefix("#")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _NUMBER_MAX):
        raise Refused(f"say which: {COMMAND} take 1042; {COMMAND} list shows what is open")
    service, number = room.service, int(typed)
    try:
        taken = await verbs.take(
            service.pool, service.directory(), Deed(number, person.name, room.now(), once)
        )
    except OwnedByOther as refusal:
        return take_over(refusal, await _target(room, number))
    service.wake.set()
    said = [f"#{taken.id} is yours: {taken.title}", taken.detail or taken.fact]
    if taken.do_first:
        said.append(f"Do first: {taken.do_first}")
    return reply(" ".join(map(sentence, said)))


async def _target(room: Room, number: int) -> Target:
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, number)
    assert one is not None
    return Target.of(one.id, one.version, one.opened_at)


async def _oncall(room: Room, _person: Person, rest: str, _once: str) -> Reply:
    async with transaction(room.service.pool) as conn:
        directory = await covers.with_covers(conn, room.service.directory(), room.now())
    if rest and rest not in directory.teams:
        known = ", ".join(sorted(directory.teams)) or "none"
        raise Refused(f"there is no team {rest}; there are: {known}")
    found = [one for one in duties(directory, room.now()) if rest in {"", one.team}]
    lines = [_duty(one, room, directory) for one in found[:_TEAMS_MAX]]
    if (more := len(found) - _TEAMS_MAX) > 0:
        lines.append(f"{more} more: `{COMMAND} oncall TEAM`")
    return _lines(lines or ["There are no teams."], "Who is on call")


def _duty(one: Duty, room: Room, directory: Directory) -> str:
    if one.is_gap:
        return f"*{_plain(one.team)}* nobody: a gap, only the lead {_plain(one.person)} answers"
    zone = directory.zone_of(one.team)
    until = f" until {instant(one.until, zone, room.now())}" if one.until else ""
    then = f", then {_plain(one.then)}" if one.then else ""
    return f"*{_plain(one.team)}* {_plain(one.person)}{until}{then}"


async def _silence(room: Room, person: Person, rest: str, once: str) -> Reply:
    pattern, _, more = rest.partition(" ")
    lasts, _, words = more.strip().partition(" ")
    service, now = room.service, room.now()
    fields = {"pattern": pattern, "lasts": lasts, "words": words}
    wanted = wanted_in(fields, person.name, now)
    names = silencing.names_of(service.config)
    kept = await silencing.add(
        service.pool, service.directory(), wanted, names, now, action_id=once
    )
    service.wake.set()
    return reply(told(kept, room, now))


Answer = Callable[[Room, Person, str, str], Awaitable[Reply]]
_COMMANDS: Mapping[str, Answer] = {
    "list": _list,
    "take": _take,
    "ack": _take,
    "oncall": _oncall,
    "silence": _silence,
    "help": _help,
}
"""What each word does, with what was typed behind it and the id of the deed."""

"""How the type of a setting is written in a file, in words."""

import enum
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from rules import (
    buckets,
    conditions,
    duration,
    fields,
    files,
    forecast,
    logs,
    paths,
    reply,
    request,
    settings,
    sql,
    timetable,
)
from watchdog.config import action_shapes, reporting, shapes, turns, windows
from watchdog.config import types as written

KNOWN: Final[tuple[tuple[Any, str], ...]] = (
    (fields.Duration, "[duration](#durations)"),
    (fields.Most[fields.PositiveDuration], "[limit](#limits), a duration"),
    (fields.Most[fields.Duration], "[limit](#limits), a duration"),
    (fields.Least[fields.PositiveDuration], "[limit](#limits), a duration"),
    (fields.Most[fields.Count], "[limit](#limits), a whole number"),
    (fields.Most[fields.Number], "[limit](#limits), a number"),
    (fields.Least[fields.Number], "[limit](#limits), a number"),
    (fields.Least[fields.Percent], "[limit](#limits), a [share](#shares)"),
    (duration.Factors, "[limit](#limits), a number"),
    (duration.ColumnOrPair, "[column](#sql) or mapping"),
    (fields.Number, "number"),
    (fields.Ranges, "[limit](#limits), a [range](#ranges)"),
    (buckets.Compared, "[past](#pasts)"),
    (fields.ComparisonLimits, "[limit](#limits), a [comparison](#comparisons)"),
    (fields.Count, "whole number"),
    (fields.Column, "[column](#sql)"),
    (timetable.CronLine, "[cron line](#cron-lines)"),
    (timetable.CronOrColumn, "[cron line](#cron-lines) or mapping"),
    (timetable.ZoneOrColumn, "[zone](#zones) or mapping"),
    (fields.Table, "[table](#sql)"),
    (fields.SqlFragment, "[SQL](#sql)"),
    (fields.Words, "value or list of values"),
    (settings.EntityColumns, "[column](#sql) or list of columns"),
    (settings.Zone, "[zone](#zones)"),
    (sql.SqlQuery, "[query](#sql)"),
    (fields.Least[files.Size], "[limit](#limits), a [size](#sizes)"),
    (paths.Patterns, "[path](#paths) or list of paths"),
    (logs.EntityPaths, "[field](#fields) or list of fields"),
    (conditions.FieldPath, "[field](#fields)"),
    (request.UrlTemplate, "path or address"),
    (request.BodyTemplate, "text, mapping or list"),
    (request.Headers, "mapping of texts"),
    (forecast.PathOrNumber, "number, or `body.PATH`"),
    (reply.BodyPath, "`body.PATH`"),
    (sql.FixedQuery, "[query](#sql) without placeholders"),
    (reply.Statuses, "status or list of statuses"),
    (written.Checks, "[checks](#checks)"),
    (action_shapes.AtMost, "`2 per incident`, `5 per day`"),
    (action_shapes.Statuses, "status or list of statuses"),
    (action_shapes.Within, "[duration](#durations)"),
    (action_shapes.Label, "text"),
    (written.IncidentCount, "`5 incidents`"),
    (written.Zone, "[zone](#zones)"),
    (written.Hours, "[working hours](#working-hours)"),
    (tuple[Any, ...], "list of [overrides](#overrides)"),
    (shapes.Announced, "[maintenance](#maintenance), or a list"),
    (windows.Wall, "`2026-11-23 22:00`"),
    (windows.Days, "`mon-fri` or `sat,sun`"),
    (windows.DayHours, "`06:00-20:00`"),
    (windows.ZoneOrColumn, "[zone](#zones), or `{ column: timezone }`"),
    (written.TimeOfDay, "`08:00`"),
    (written.Weekday, "`mon`"),
    (reporting.Receivers, "`slack`, `email`, or a list of them"),
    (turns.TurnLength, "`weekly`, `12 hours` … ([turns](#on-call))"),
    (turns.HandoverTime, "`10:00`, `mon 10:00` or `1st 10:00`"),
    (turns.FirstDay, "`2026-06-15`"),
    (written.Size, "[size](#sizes)"),
    (written.Url, "address"),
    (written.Email, "mail address"),
    (written.Member, "member id in Slack"),
    (written.Workspace, "workspace id in Slack"),
    (written.ChannelName, "channel in Slack, without the hash"),
    (written.Listen, "`host:port`"),
    (written.Text, "text"),
    (written.Names, "name or list of names"),
    (shapes.Severities, "`info`, `warning`, `critical`, or a list of them"),
    (shapes.Channels, "`slack`, `email`, `weekly`, or a list of them"),
    (SecretStr, "text, may be a [secret](#secrets)"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (str, "text"),
)
"""Types and their words; what refines one of them (by bounds, say) is spelled like it."""


class Undocumented(Exception):  # noqa: N818 (what is missing is said by its text)
    """Something has no words in the pages yet; the text says what, and where to write them."""


def spelled(annotation: Any) -> str:
    """Return in words how a value of this type is written.

    Raises:
        Undocumented: Nobody has said so in `KNOWN`.
    """
    inner = _without_none(annotation)
    for known, words in KNOWN:
        if inner == known:
            return words
    if words := _of_plain(inner):
        return words
    refined = [pair for pair in KNOWN if _refines(inner, pair[0])]
    if refined:
        return max(refined, key=lambda pair: len(get_args(pair[0])))[1]
    if get_origin(inner) is Annotated:
        return spelled(get_args(inner)[0])
    raise Undocumented(f"say in docs/generators/spellings.py how {inner} is written")


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, types.UnionType}:
        [inner] = [one for one in get_args(annotation) if one is not type(None)]
        return inner
    return annotation


def _of_plain(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return _one_of(get_args(annotation))
    if origin is tuple:
        return f"list of {spelled(get_args(annotation)[0])}s"
    if origin in {dict, Mapping}:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _one_of([one.value for one in annotation])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return ""


def _one_of(words: Any) -> str:
    *most, last = [f"`{word}`" for word in words]
    return f"{', '.join(most)} or {last}" if most else last


def _refines(annotation: Any, known: Any) -> bool:
    if get_origin(annotation) is not Annotated:
        return False
    if get_origin(known) is not Annotated:
        return bool(get_args(annotation)[0] == known)
    base, *more = get_args(annotation)
    known_base, *known_more = get_args(known)
    return base == known_base and more[: len(known_more)] == known_more

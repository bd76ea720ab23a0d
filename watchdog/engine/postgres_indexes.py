"""Which index a look at PostgreSQL misses, read from the plan of its statement."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

LARGE_ROWS: Final = 10_000
"""From how many rows on a table should not be read as a whole at every look."""

_FEW: Final = 0.1
"""An index helps to find less than this part of a table; for more the whole is read as quickly."""

TABLE: Final = """
select case when c.reltuples < 0 then pg_relation_size(c.oid) / 100 else c.reltuples end::bigint as rows,
       array_to_string(array(
           select a.attname from pg_index as i
           join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
           where i.indrelid = c.oid), ' ') as leading,
       array_to_string(array(
           select a.attname from pg_attribute as a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ' ') as columns
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""
"""What `missing_index` is told of a table: $1 its schema, $2 its name."""

_WORD = re.compile(r"[A-Za-z_]\w*")
_COMPARED = (re.compile(r"(\w+) = '"), re.compile(r"(\w+) [<>]=? '\d{4}-"))
"""What in the condition of a plan is one value, and what is before or after an instant."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_OUTERMOST = re.compile(r"\b(?:min|max)\([^()]*?(\w+)\W*?\)")


def whole_reads(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a plan that read a table as a whole."""
    pending = [plan]
    while pending:
        node = pending.pop()
        if node["Node Type"] == "Seq Scan":
            yield node
        pending += node.get("Plans", ())


def missing_index(
    kind: object,
    table: tuple[str, str],
    scan: Mapping[str, Any],
    plan: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> str:
    """Return the statement that makes an index for a table that is read as a whole, if one helps.

    Args:
        scan: The part of `plan` that reads it.
        facts: What `TABLE` brought of it.
    """
    if facts["rows"] < LARGE_ROWS:
        return ""
    known = str(facts["columns"]).split()
    named = [name for name in _named(kind) if name in known]
    if scan["Plan Rows"] < facts["rows"] * _FEW:
        condition = str(scan.get("Filter", ""))
        asked = [name for name in _WORD.findall(condition) if name in known]
        compared = [name for one in _COMPARED for name in one.findall(condition) if name in known]
        columns = [name for name in named if name in asked]
        columns = columns or list(dict.fromkeys(compared or asked))[:3]
    else:
        columns = named if getattr(kind, "columns", ()) else _extremes(kind, named, known, plan)
    if not columns or columns[0] in str(facts["leading"]).split():
        return ""
    place = ".".join(map(_quoted, table))
    return f"create index concurrently on {place} ({', '.join(map(_quoted, columns))});"


def _named(kind: object) -> list[str]:
    """Return the columns that a rule names, in the order in which an index should have them."""
    names: list[str] = []
    for key in ("entity_columns", "columns", "column", "since", "due", "last_run", "order_by"):
        value = getattr(kind, key, None) or ()
        names += [value] if isinstance(value, str) else value
    return list(dict.fromkeys(names))


def _extremes(
    kind: object, named: Sequence[str], known: Sequence[str], plan: Mapping[str, Any]
) -> list[str]:
    """Return the column whose least or greatest value in the whole table is asked for.

    What a rule names may be called otherwise below a view; then the plan knows its name.
    """
    if getattr(kind, "entity_columns", ()) and not getattr(kind, "all_missed_for", None):
        return []
    asked = _OUTERMOST.findall(json.dumps(plan))
    return [name for name in (*named, *known) if name in asked][:1]


def _quoted(name: str) -> str:
    """Return a name as a statement must write it."""
    if _PLAIN.fullmatch(name):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'

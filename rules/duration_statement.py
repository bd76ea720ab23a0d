# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""The statement that the kind `duration` asks."""

from datetime import timedelta
from typing import TYPE_CHECKING

from rules.base import Context, Question
from rules.instants import before
from rules.settings import mildest
from rules.sql_text import Statement, named, names

if TYPE_CHECKING:
    from rules.duration import Duration

LONGEST_S = 1e11
"""What is longer, three thousand years, is no duration."""


class DurationStatement:
    """The statement of a rule in the making, in steps of which each is a named query.

    `watched_level`: the percentile of each entity's latest runs. `watched_judged`: with the number
    of runs before those, and of the quick ones among them: when they are at least half, the median
    is quick, too. That is counted for all; only for those found is the median itself looked up,
    which sorts.
    """

    def __init__(self, kind: "Duration", context: Context) -> None:
        """Begin a statement for one look."""
        self.kind = kind
        self.context = context
        self.says = Statement(kind.dialect(context), context.now)
        self.keys = names(kind.entity_columns) or ["e0"]

    def question(self) -> Question:
        """Return the finished question."""
        level, judged = self._level(), self._judged()
        bad = f"select * from watched_judged where {self._wanted()}"
        listed = ", ".join(f"b.{key}" for key in self.keys)
        nulls = "".join(f"null as {key}, " for key in self.keys)
        usual, joined = "null", ""
        steps = f"with {level}, {judged}, watched_bad as (\n{bad}\n)"
        if self.kind.compare_to is not None:
            steps += f", {self._usual()}"
            usual, joined = "u.usual", f" left join watched_usual u on {self._same('u', 'b')}"
        return self.says.question(
            self.kind.source,
            f"{steps}\nselect {listed}, b.took, b.n, b.past, {usual} as usual"
            f" from watched_bad b{joined}"
            f"\nunion all\nselect {nulls}null, 0, 0, null"
            " where not exists (select 1 from watched_judged)",
        )

    def _same(self, one: str, other: str) -> str:
        return " and ".join(f"{one}.{key} = {other}.{key}" for key in self.keys)

    def _listed(self, prefix: str = "") -> str:
        return ", ".join(f"{prefix}{key}" for key in self.keys)

    def _took(self) -> tuple[str, str]:
        """Return the seconds that a run took, and the condition under which they are any."""
        says, took = self.says, self.kind.took
        if took.column is None:
            begun, ended = (
                says.epoch(says.key(one)) for one in (took.begun or "", took.ended or "")
            )
            return f"{ended} - {begun}", f" and {begun} > 0 and {ended} > 0"
        per_unit = "1000.0" if self.kind.unit == "ms" else "1.0"
        if says.is_postgres:
            return f"({says.number(took.column)})::float8 / {per_unit}", ""
        # SQLite would take any text for 0.
        is_number = f"typeof({took.column}) in ('integer', 'real')"
        return f"case when {is_number} then {took.column} / {per_unit} end", ""

    def _runs(self, within: timedelta | None) -> str:
        """Return the runs that have a duration, of the last time `within`."""
        says, order = self.says, self.kind.order
        entity = says.entity(self.kind.entity_columns) or ["''"]
        seconds, known = self._took()
        young = f" and {says.since(order, before(says.now, within))}" if within else ""
        runs = (
            f"select {named(entity)}{order} as at, {seconds} as span"
            f" from {self.kind.relation} where {says.condition(self.kind.where)}"
            f" and {order} is not null{known}{young}"
        )
        # NaN is above all numbers, and infinity is none to judge. The condition is a null's because
        # the planner takes the rows within any span for very few, and then sorts instead of hashing.
        longest = f"{LONGEST_S:.0f}"
        took = f"case when span between -{longest} and {longest} then span end as took"
        listed = f"select {self._listed()}, at, {took} from ({runs}) r"
        return f"select * from ({listed}) q where took is not null"

    def _latest(self) -> str:
        """Return the runs that are judged; of runs at the same time the quicker are the later."""
        runs, last = self._runs(self.kind.within or self.kind.compare_to), self.kind.last
        if last is None:
            return runs
        if not self.kind.entity_columns:
            return f"{runs}\norder by at desc, took limit {last}"
        newest = f"partition by {self._listed()} order by at desc, took"
        numbered = f"select r.*, row_number() over ({newest}) as back from ({runs}) r"
        return f"select * from ({numbered}) q where back <= {last}"

    def _level(self) -> str:
        each = f"partition by {self._listed()}"
        percentile = self.says.bind(float(self.kind.percentile), "::float8")
        latest = self._latest()
        return (
            f"watched_runs as (\nselect r.*, row_number() over ({each} order by took) as nth,"
            f" count(*) over ({each}) as of_n from ({latest}) r\n), watched_level as (\n"
            f"select * from (select {self._listed()},"
            f" min(case when nth * 100 >= of_n * {percentile} then took end) as took,"
            f" count(*) as n, {self.says.extreme('min', 'at')} as since"
            f" from watched_runs group by {self._listed()}) q where n >= {self.kind.least}\n)"
        )

    def _judged(self) -> str:
        if self.kind.compare_to is None:
            return "watched_judged as (\nselect l.*, 0 as past, 0 as quick from watched_level l\n)"
        factor = self.says.bind(float(mildest(self.kind.factors)), "::float8")
        quick = f"sum(case when r.took * {factor} < l.took then 1 else 0 end) as quick"
        enough = f" where past >= {self.kind.least}" if self.kind.most is None else ""
        return (
            "watched_judged as (\nselect * from (select l.*, coalesce(p.past, 0) as past,"
            " coalesce(p.quick, 0) as quick from watched_level l left join ("
            f"select {self._listed('r.')}, count(*) as past, {quick} from {self._before('l')}"
            f" group by {self._listed('r.')}) p on {self._same('p', 'l')}) q{enough}\n)"
        )

    def _before(self, level: str) -> str:
        """Return the runs `r` that are older than those that were judged."""
        # SQLite keeps to the order of a cross join: the few are looked up for each of the many,
        # and where there are none it must be told that no run is worth reading.
        step = {"l": "watched_level", "b": "watched_bad"}[level]
        runs, join = self._runs(self.kind.compare_to), "join"
        if not self.says.is_postgres:
            runs, join = f"{runs} and exists (select 1 from {step})", "cross join"
        return (
            f"({runs}) r {join} {step} {level} on {self._same('r', level)} and r.at < {level}.since"
        )

    def _wanted(self) -> str:
        kind, says = self.kind, self.says
        among = says.among(self.keys, self.context.watched) if kind.entity_columns else "(1 = 1)"
        wanted = [among]
        if kind.most is not None:
            wanted.append(f"took > {says.bind(mildest(kind.most).total_seconds(), '::float8')}")
        if kind.compare_to is not None:
            least = says.bind(float(mildest(kind.factors)) * kind.unit_s, "::float8")
            slow = f"took > {least} and quick * 2 >= past"
            wanted.append(f"(past >= {kind.least} and {slow})")
        return " or ".join(wanted)

    def _usual(self) -> str:
        nth = f"row_number() over (partition by {self._listed('b.')} order by r.took) as nth"
        return (
            f"watched_usual as (\nselect {self._listed()}, min(took) as usual from ("
            f"select {self._listed('b.')}, b.past, r.took, {nth} from {self._before('b')}"
            f") q where nth * 2 >= past group by {self._listed()}\n)"
        )

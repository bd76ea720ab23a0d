"""Looking: rules ask together, and each is judged by itself; what a finding raises is asked, too."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rules.base import (
    Answer,
    Answers,
    Context,
    Entity,
    Finding,
    Judgement,
    Question,
    Rows,
    Severity,
    SqlQuestion,
    Unanswered,
)
from tests.watching import stuck_rule
from watchdog.config.model import Query, Rule
from watchdog.domain.track import Track
from watchdog.engine import evidence
from watchdog.engine.look import Looked, look
from watchdog.engine.plan import Opening, Plan

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)


@dataclass
class Asked:
    """A source that remembers what it was asked.

    Attributes:
        answers: By text of the question; others get no rows. An exception is raised.
        short: It forgets the last answer, as only a bug could.
    """

    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    short: bool = False
    texts: list[str] = field(default_factory=list)

    async def answer(self, question: Question) -> Answer:
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        given: list[Answer] = []
        for one in questions:
            assert isinstance(one, SqlQuestion)
            self.texts.append(one.text)
            answer = self.answers.get(one.text, Rows(()))
            if isinstance(answer, Exception):
                raise answer
            given.append(answer)
        return given[:-1] if self.short else given

    async def close(self) -> None:
        """Hold nothing."""


@dataclass(frozen=True)
class Asks:
    """A kind that asks these questions and finds as many entities as there are rows."""

    texts: tuple[str, ...]
    source: str = "jobs"
    entity: tuple[str, ...] = ("id",)
    opens_at_once: bool = False
    past_within: timedelta = timedelta()

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:  # noqa: ARG002
        return () if answers else tuple(SqlQuestion(self.source, text) for text in self.texts)

    def judge(self, context: Context, answers: Answers) -> Judgement:  # noqa: ARG002
        count = sum(len(one.rows) for one in answers[0] if isinstance(one, Rows))
        return Judgement(tuple(a_finding((("id", str(number)),)) for number in range(count)))

    def identity(self) -> str:
        return " ".join(self.texts)


@dataclass(frozen=True)
class AsksElsewhere(Asks):
    """A kind that asks another source first what there is to look at."""

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:  # noqa: ARG002
        return () if answers else tuple(SqlQuestion("crm", text) for text in self.texts)


def a_finding(entity: Entity) -> Finding:
    return Finding(entity, Severity.WARNING, 1, 0, "1 (max 0)", "One.")


def asking(name: str, *texts: str, source: str = "jobs") -> Rule:
    return replace(stuck_rule(name), kind=Asks(texts, source))


async def look_at(source: Asked, *rules: Rule) -> list[Looked]:
    return await look(rules, NOW, {"jobs": source}, {})


async def test_equal_questions_are_asked_once_and_answered_to_each() -> None:
    source = Asked({"a": Rows(({"n": 1},))})
    found = await look_at(source, asking("one", "a", "b"), asking("two", "a"), asking("three", "b"))
    assert source.texts == ["a", "b"]
    assert [len(one.judgement.findings) for one in found if one.judgement] == [1, 1, 0]
    assert [one.rule.name for one in found] == ["one", "two", "three"]


async def test_a_rule_of_which_nothing_was_answered_is_an_error_with_the_reason() -> None:
    source = Asked({"a": Unanswered("no such table"), "b": Unanswered("no such column")})
    [lost, half] = await look_at(source, asking("lost", "a", "b"), asking("half", "a", "c"))
    assert (lost.judgement, lost.error) == (None, Unanswered("no such table"))
    assert half.error is None


async def test_a_source_with_a_bug_is_an_error_of_its_rules_only() -> None:
    broken, fine = Asked({"a": RuntimeError("bug")}), Asked()
    rules = [asking("one", "a"), asking("two", "b", source="crm")]
    [one, two] = await look(rules, NOW, {"jobs": broken, "crm": fine}, {})
    assert one.error == Unanswered("internal error: RuntimeError", whole_source=True)
    assert two.error is None


async def test_a_source_that_answers_too_little_is_an_error_and_mixes_nothing_up() -> None:
    [one] = await look_at(Asked(short=True), asking("one", "a", "b"))
    assert one.error == Unanswered("internal error: ValueError", whole_source=True)


async def test_trouble_of_another_source_makes_one_rule_blind_and_not_its_own_source() -> None:
    rule = replace(asking("probe", "a", source="crm"), kind=AsksElsewhere(("a",), "api"))
    silent = Asked({"a": Unanswered("does not answer", whole_source=True)})
    [one] = await look([rule], NOW, {"crm": silent}, {})
    assert one.error == Unanswered("source crm: does not answer")


async def test_trouble_of_a_source_that_nobody_declares_is_the_rules_own() -> None:
    broken = Asked({"a": RuntimeError("bug")})
    [one] = await look([asking("logs", "a", source="@files")], NOW, {"@files": broken}, {})
    assert one.error == Unanswered("internal error: RuntimeError")


async def test_a_source_that_is_not_declared_is_named() -> None:
    [one] = await look([asking("one", "a", source="crm")], NOW, {}, {})
    assert one.error == Unanswered("source crm is not declared", whole_source=True)


async def test_no_rules_ask_nothing() -> None:
    assert await look_at(Asked()) == []


EXCUSE = Query("jobs", "select 1 where {{ entity.id }} = '0'")


def bad(rule: Rule, count: int) -> Looked:
    findings = tuple(a_finding((("id", str(number)),)) for number in range(count))
    return Looked(rule, NOW, Judgement(findings))


async def test_what_an_unless_has_a_row_for_is_excused() -> None:
    rule = replace(asking("one"), unless=EXCUSE)
    question = EXCUSE.question(NOW, (("id", "0"),), rows_max=1)
    source = Asked({question.text: Rows(({"n": 1},))})
    [one] = await evidence.excuse([bad(rule, 1)], {"jobs": source})
    assert one.excused == {(("id", "0"),)}


async def test_an_unless_is_asked_only_about_findings_and_only_about_so_many() -> None:
    rule, source = replace(asking("one"), unless=EXCUSE), Asked()
    fine = Looked(rule, NOW, Judgement())
    plain = bad(asking("two"), 1)
    assert await evidence.excuse([fine, plain], {"jobs": source}) == [fine, plain]
    assert source.texts == []
    await evidence.excuse([bad(rule, evidence.EXCUSES_MAX + 9)], {"jobs": source})
    assert len(source.texts) == evidence.EXCUSES_MAX


async def test_an_unless_that_cannot_be_asked_leaves_the_rule_undecided() -> None:
    rule = replace(asking("one"), unless=EXCUSE)
    question = EXCUSE.question(NOW, (("id", "0"),), rows_max=1)
    source = Asked({question.text: Unanswered("timeout", whole_source=True)})
    [one] = await evidence.excuse([bad(rule, 1)], {"jobs": source})
    assert one.judgement is None
    assert one.error == Unanswered("`unless` could not be asked: timeout", whole_source=True)


def opening(rule: Rule, count: int) -> Plan:
    openings = tuple(
        Opening(Track(rule.name, one.entity, 2, NOW, NOW, Severity.WARNING), one)
        for one in (bad(rule, count).judgement or Judgement()).findings
    )
    return Plan(rule, NOW, {}, openings=openings)


async def test_evidence_is_asked_for_the_first_openings_and_cut_to_what_people_read() -> None:
    query = Query("jobs", "select * from run where id = {{ entity.id }}")
    rule = replace(asking("one"), evidence={"runs": query})
    text = query.question(NOW, (("id", "0"),), opened_at=NOW, rows_max=20).text
    row = {"at": NOW, "n": 7, "flag": True, "none": None, "ratio": 0.5, "error": "x" * 900}
    source = Asked({text: Rows((row,) * 30)})
    found = await evidence.collect([opening(rule, evidence.EVIDENCE_MAX + 5)], {"jobs": source})
    assert len(found) == evidence.EVIDENCE_MAX
    rows = found["one", (("id", "0"),)]["runs"]
    assert len(rows) == evidence.ROWS_MAX
    assert rows[0] == {
        "at": str(NOW),
        "n": 7,
        "flag": True,
        "none": None,
        "ratio": "0.5",
        "error": "x" * 500,
    }


async def test_evidence_that_cannot_be_had_says_why_and_stops_no_opening() -> None:
    rule = replace(asking("one"), evidence={"runs": Query("crm", "select 1")})
    found = await evidence.collect([opening(rule, 1)], {})
    assert found["one", (("id", "0"),)] == {
        "runs": [{"could not ask": "source crm is not declared"}]
    }

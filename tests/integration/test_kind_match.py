"""The match kind on a real PostgreSQL and an SQLite file that should say the same."""

from pathlib import Path

from rules.base import Answer, Judgement
from tests.postgres import Server
from tests.watched_tables import NATIVE, Tables, entity, kind_of, tables

KIND = kind_of(
    "match",
    query="select day, sum(total) as total from orders group by day",
    **{"with": "books", "with_query": "select day, total from invoices"},
    value="total",
    entity=["day"],
    max=0.01,
)


async def matched(shop: Tables, books: Tables) -> Judgement:
    context = shop.context([entity(day="2025-06-12")])
    ours, theirs = KIND.ask(context, ())
    answers: tuple[Answer, ...] = await shop.source.answer(ours), await books.source.answer(theirs)
    return KIND.judge(context, (answers,))


async def test_numbers_of_two_kinds_of_databases_are_compared(
    postgres_server: Server, tmp_path: Path
) -> None:
    async with (
        tables(NATIVE["postgres"], postgres_server, tmp_path) as shop,
        tables(NATIVE["sqlite"], postgres_server, tmp_path) as books,
    ):
        await shop.run("create table orders (day date, total numeric(10, 2))")
        await shop.run(
            "insert into orders values ('2025-06-11', 8), ('2025-06-12', 0.10), ('2025-06-12', 0.20)"
        )
        await books.run("create table invoices (day text, total real)")
        await books.run("insert into invoices values ('2025-06-11', 5), ('2025-06-12', 0.30)")
        judgement = await matched(shop, books)
    (finding,), (reading,) = judgement.findings, judgement.readings
    assert (finding.entity, finding.value) == (entity(day="2025-06-11"), 3.0)
    assert reading.entity == entity(day="2025-06-12")

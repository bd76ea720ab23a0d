"""A small world in which storms rise: twenty queues whose jobs hang and are mended."""

from dataclasses import replace

from tests.watching import World, stuck_rule
from watchdog import splitting
from watchdog.config.model import Config
from watchdog.domain.incident import Incident
from watchdog.domain.people import Policy
from watchdog.domain.storms import Member, MemberState
from watchdog.store import members
from watchdog.store.pool import transaction

QUEUES = [f"q{number:02d}" for number in range(20)]
AT_ONCE = replace(stuck_rule(), policy=Policy(open_after=1, recover_after=1))


async def hang(world: World, *queues: str) -> None:
    """Let jobs hang, and let them be seen."""
    for queue in queues:
        await world.hang(queue)
    await world.pass_minutes(1)


async def mend(world: World, *queues: str) -> None:
    for queue in queues:
        await world.mend(queue)
    await world.pass_minutes(1)


async def the_storm(world: World) -> Incident:
    [storm] = [one for one in await world.incidents() if one.is_storm]
    return storm


async def crowd(world: World, storm: int = 0) -> dict[str, MemberState]:
    """Return the state of each member by its queue."""
    return {one.entity[0][1]: one.state for one in await listed(world, storm)}


async def listed(world: World, storm: int = 0) -> list[Member]:
    number = storm or (await the_storm(world)).id
    async with transaction(world.store) as conn:
        return await members.listed(conn, number, limit=1000)


async def events(world: World, number: int) -> list[str]:
    rows = await world.store.fetch(
        "select event from event where incident_id = $1 order by version", number
    )
    return [row["event"] for row in rows]


def split_config(world: World) -> Config:
    config = world.engine._config
    assert isinstance(config, Config)
    return config


async def split(world: World, one: splitting.Which, person: str = "raj") -> Incident:
    storm = await the_storm(world)
    now = world.clock.now()
    return await splitting.split(world.store, split_config(world), storm.id, one, person, now)

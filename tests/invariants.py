"""What must hold of every incident at every instant, asked of the store alone."""

import asyncpg

OWNERS = """
-- I2, I9: between two events an incident has the owner of the earlier one, after the last that of its row.
with told as (
    select e.*, lead(e.at) over next as until, lag(e.version) over next as lag_version,
        lag(e.state) over next as lag_state, lag(e.owner) over next as lag_owner
    from event e window next as (partition by e.incident_id order by e.version)
), judged as (
    select t.incident_id, case
        when t.owner !~ '\\S' then 'nobody owns it'
        when t.actor !~ '\\S' then 'nobody did it'
        when t.until < t.at then 'its events go back in time'
        when t.version = 1 and (t.state, t.at) is distinct from ('open', i.opened_at)
            then 'it does not begin with its opening'
        when t.version > 1 and t.lag_version is distinct from t.version - 1 then 'an event is missing'
        when t.version > 1
            and (t.previous_state, t.previous_owner) is distinct from (t.lag_state, t.lag_owner)
            then 'an event does not follow from the one before'
        when t.until is null and (t.version, t.state, t.owner) is distinct from (i.version, i.state, i.owner)
            then 'the row is not where its events end'
    end as trouble, t.event
    from told t join incident i on i.id = t.incident_id
)
select incident_id, trouble, event from judged where trouble is not null
"""
"""One row for each instant at which an incident had no owner, or a history that does not replay."""

REST = """
-- I1: at most one open incident about one thing.
select max(id) as incident_id, 'it is not the only open one about its thing' as trouble, '' as event
    from incident where state in ('open', 'taken') group by fingerprint having count(*) > 1
-- I3: every move that must be told has its messages.
union all select e.incident_id, 'nobody hears of it', e.event from event e
    where e.event <> 'noted' and not exists (
        select from notification n where n.incident_id = e.incident_id and n.version = e.version
    )
-- I6: whoever was told that it began has a message of its end.
union all select i.id, began.receiver || ' never hears of its end', '' from incident i
    join notification began on began.incident_id = i.id and began.version = 1
    where i.state in ('recovered', 'resolved') and not exists (
        select from event ending join notification told
            on told.incident_id = i.id and told.version = ending.version and told.receiver = began.receiver
        where ending.incident_id = i.id and ending.version > 1
            and ending.event in ('recovered', 'withdrawn', 'resolved', 'joined')
    ) and not exists (
        -- A mail cannot be edited: the mail of the storm that it joined says so.
        select from notification told
        where told.incident_id = i.storm_id and told.receiver = began.receiver
    )
-- I1, I2 of storms: members are bad in one that lives, and of nothing that has an incident.
union all select m.incident_id, 'a member is bad though it is over', '' from member m
    join incident i on i.id = m.incident_id
    where m.state = 'bad' and (i.state not in ('open', 'taken') or i.kind <> 'storm')
union all select m.incident_id, 'a bad member has an incident of its own', '' from member m
    join incident i on i.fingerprint = m.fingerprint and i.state in ('open', 'taken')
    where m.state = 'bad'
union all select i.id, 'a storm lives though none of its members is bad', '' from incident i
    where i.kind = 'storm' and i.state in ('open', 'taken')
        and not exists (select from member m where m.incident_id = i.id and m.state = 'bad')
"""


async def violations(conn: asyncpg.Connection) -> list[str]:
    """Return what is wrong, each with the number of its incident; nothing where all holds."""
    return [
        f"#{row['incident_id']} {row['event']}: {row['trouble']}"
        for statement in (OWNERS, REST)
        for row in await conn.fetch(statement)
    ]

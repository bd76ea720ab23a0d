-- name: list_histories
-- What opened in a span, each with the changes of its state in order; what joined a storm is no incident.
select i.id, i.team, i.rule, i.entity, i.opened_at, i.first_bad_at, i.first_good_at, i.cause, i.cause_kind,
    i.unneeded, c.instants, c.states, c.owners
from incident i
cross join lateral (
    select array_agg(e.at order by e.version) as instants,
        array_agg(e.state order by e.version) as states, array_agg(e.owner order by e.version) as owners
    from event e
    where e.incident_id = i.id and e.previous_state is distinct from e.state
) c
where i.opened_at >= $1 and i.opened_at < $2 and i.cause_kind <> 'joined'
order by i.opened_at, i.id
limit $3;

-- name: list_openings
-- What opened in a span about something of which an incident opened in the span that follows it.
select o.team, o.rule, o.entity, o.opened_at
from incident o
where o.opened_at >= $1 and o.opened_at < $2 and o.cause_kind <> 'joined'
    and exists (
        select from incident i
        where i.opened_at >= $2 and i.opened_at < $3 and i.cause_kind <> 'joined'
            and (i.team, i.rule, i.entity) = (o.team, o.rule, o.entity)
    )
order by o.opened_at, o.id
limit $4;

-- name: list_pushes
-- What was sent in a span and may have pushed a person; channels push nobody, and an edit does not, either.
select receiver, settled_at as sent_at, incident_id as incident
from notification
where state = 'sent' and incident_id is not null and settled_at >= $1 and settled_at < $2
    and part in ('page', 'thread') and receiver not like all ('{slack:#%,webhook:%,apprise:%}')
order by settled_at, id
limit $3;

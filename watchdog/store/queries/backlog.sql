-- name: count_waiting
-- What is on its way, since when the oldest of it has been due, and how many were given up since an
-- instant.
select
    count(*) filter (where state = 'pending' and due_at <= $1) as due,
    count(*) filter (where state = 'pending' and due_at > $1) as held,
    count(*) filter (where state = 'sending') as sending,
    min(due_at) filter (where due_at <= $1) as oldest_due_at,
    (select count(*) from notification where state = 'dead' and settled_at > $2) as dead
from notification where state in ('pending', 'sending');

-- name: is_stuck
-- Whether somebody is not reached about an incident, neither by a push that has been due since an instant or was given up
-- within a day of it, nor by another one of the same, and nothing has arrived anywhere since. When the latest arrived is
-- looked up only where there is such a push.
with failing as (
    select n.id, n.incident_id, n.version, $1::timestamptz as since from notification n
    where n.state in ('pending', 'sending') and n.incident_id is not null and is_push(n.part, n.receiver)
        and coalesce(n.first_due_at, n.due_at) <= $1
    union all
    select n.id, n.incident_id, n.version, n.settled_at from notification n
    where n.state = 'dead' and n.incident_id is not null and is_push(n.part, n.receiver)
        and n.settled_at > $1::timestamptz - interval '1 day'
)
select exists (
    select from failing f
    where not exists (
        select from notification s
        where s.incident_id = f.incident_id and s.version >= f.version and s.state = 'sent'
            and (s.fallback_of = f.id or is_push(s.part, s.receiver))
    ) and coalesce((select max(a.settled_at) from notification a where a.state = 'sent'), '-infinity') < f.since
);

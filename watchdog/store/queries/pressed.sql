-- name: bring_up_to_date
-- Write an edit of the message that stands at this place, showing what it was last to show, if it shows
-- something older because that edit was given up, and nothing is on its way to its reader.
insert into notification (incident_id, version, receiver, part, priority, due_at, created_at)
select t.incident_id, newest.version, t.receiver, 'edit', $5, $6, $6
from thread t
cross join lateral (
    select n.version, n.state from notification n
    where n.incident_id = t.incident_id and n.receiver = t.receiver and n.part <> 'thread'
    order by n.version desc, n.id desc
    limit 1
) newest
where t.incident_id = $1 and t.remote ->> 'channel' = $2 and t.remote ->> 'ts' = $3
    and newest.version > $4 and newest.state = 'dead'
    and not exists (
        select from notification n
        where n.incident_id = t.incident_id and n.receiver = t.receiver
            and n.state in ('pending', 'sending')
    )
returning id;

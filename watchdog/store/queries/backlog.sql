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
-- Whether a push has been due since an instant, or was given up, and nothing has arrived anywhere afterwards. When
-- the latest arrived is looked up only where there is such a push.
select exists (
    select from notification n
    where is_push(n.part, n.receiver) and n.state in ('pending', 'sending')
        and coalesce(n.first_due_at, n.due_at) <= $1
        and coalesce((select max(a.settled_at) from notification a where a.state = 'sent'), '-infinity') < $1
) or exists (
    select from notification n
    where is_push(n.part, n.receiver) and n.state = 'dead' and n.settled_at > $1 - interval '1 day'
        and n.settled_at > coalesce((select max(a.settled_at) from notification a where a.state = 'sent'), '-infinity')
);

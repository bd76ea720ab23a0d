-- name: lock_below
-- Incidents about to be hidden, locked in order: whoever writes that a message is about to be sent has done so, or waits.
select from incident where id = any($1::bigint[]) order by id for no key update;

-- name: hold_back
-- Hide incidents behind one above each of them until that is over, if nobody was or may have been told of them yet. What a
-- silence hides stays with it; a storm has more than one reason.
update incident i set
    waits_for = n.above, silenced_until = $3::timestamptz + $4::interval,
    due_at = least(i.due_at, $3::timestamptz + $4::interval)
from unnest($1::bigint[], $2::bigint[]) as n (id, above)
where i.id = n.id and i.id <> n.above and i.state = 'open' and i.silence is null and i.kind <> 'storm'
    and not exists (
        select from notification m join attempt a on a.notification_id = m.id
        where m.incident_id = i.id and m.part in ('page', 'root')
            and (a.outcome is null or a.outcome <> 'failed')
    );

-- name: let_go
-- What these incidents explained is hidden no longer than until now: whoever does what is due tells it, if it is still bad.
update incident set silenced_until = $2, due_at = $2
where waits_for = any($1::bigint[]) and state in ('open', 'taken') and silenced_until > $2;

-- name: wait_for_storm
-- What waited for incidents that joined a storm waits for that.
update incident i set waits_for = n.storm
from unnest($1::bigint[], $2::bigint[]) as n (id, storm)
where i.waits_for = n.id;

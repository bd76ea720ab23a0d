-- name: hold_still
-- Until this transaction ends nobody makes or ends a silence: what it decides by them stays true. Taken before any
-- incident is locked, as those who change silences do, so that neither waits for the other.
lock table silence in share mode;

-- name: list_in_force
-- Silences that hide something at an instant, those that end first before others.
select * from silence where ends_at > $1 order by ends_at, id;

-- name: begin_adding
-- One silence is added at a time, before any incident is locked: whether there is the same already stays true.
lock table silence in share row exclusive mode;

-- name: find_same
-- A silence that this action has made, or one that still holds and was made a moment ago in the same words, for as long.
select * from silence
where action_id = $9
    or pattern = $1 and team = $2 and entity = $3::jsonb and reason = $4 and made_by = $5 and of_critical = $6
    and made_at > $7::timestamptz - $10::interval and made_at <= $7 and ends_at > $7
    and ends_at - made_at = $8::timestamptz - $7::timestamptz
order by action_id = $9 desc nulls last, id limit 1;

-- name: insert_silence
-- Keep a silence; waits for whoever holds them still.
insert into silence (pattern, team, entity, reason, made_by, of_critical, made_at, ends_at, action_id)
values ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, $9)
returning id;

-- name: end_silence
-- End a silence now; no row: there is none, or it is over.
update silence set ends_at = $2, ended_by = $3 where id = $1 and ends_at > $2
returning *;

-- name: list_hidden
-- Numbers of the open or taken incidents that each of some silences hides, the worst first.
select silence, id from incident
where silence = any($1::bigint[]) and state in ('open', 'taken')
order by array_position(array['critical', 'warning', 'info'], severity), id;

-- name: by_id
-- One silence.
select * from silence where id = $1;

-- name: forget_silence
-- What has recovered in a silence that has ended is hidden no more, and there is nothing to tell.
update incident set silence = null, silenced_until = null where silence = $1 and state = 'recovered';

-- name: let_go
-- What only this silence hides is hidden no longer than until now; whoever does what is due tells it.
with free as (
    update incident set silenced_until = $2, due_at = $2
    where silence = $1 and state in ('open', 'taken')
    returning id, severity
)
select id from free order by array_position(array['critical', 'warning', 'info'], severity), id;

-- name: begin_changing
-- Wait for whoever holds silences still, before any incident is locked.
lock table silence in row exclusive mode;

-- name: list_ending
-- Silences that end soon, were not made to end so soon, hide something bad, and of whose end nobody has been reminded;
-- locked, but not against incidents that name them.
select s.* from silence s
where s.ends_at > $1 and s.ends_at <= $1::timestamptz + $2::interval and s.reminded_at is null
    and s.made_at + $2::interval < s.ends_at
    and exists (
        select from incident i where i.silence = s.id and i.state in ('open', 'taken') and i.bad_now
    )
order by s.ends_at, s.id limit $3 for no key update of s skip locked;

-- name: list_bad
-- Numbers of the incidents that a silence hides and whose latest check was bad, the worst first.
select id from incident
where silence = $1 and state in ('open', 'taken') and bad_now
order by array_position(array['critical', 'warning', 'info'], severity), id;

-- name: note_reminded
-- Whoever made these silences has been reminded of their ends.
update silence set reminded_at = $2 where id = any($1::bigint[]);

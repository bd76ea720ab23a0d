-- name: insert_ping
-- What a job said.
insert into ping (beat, at, what, exit_status, run, body, is_cut)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: forget_pings
-- Keep the newest pings of a beat, and the newest of each kind however old that is.
delete from ping
where beat = $1
    and id <= (select id from ping where beat = $1 order by id desc offset $2 limit 1)
    and id not in (select max(id) from ping where beat = $1 group by what);

-- name: list_pings
-- The pings of some beats, the newest first.
select encode(beat, 'hex') as beat, at, what, exit_status, run, body from ping
where beat = any($1::bytea[]) order by id desc;

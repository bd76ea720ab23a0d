-- name: prolong
-- Keep a lease that we have. Does not wait for a transaction of ours that holds it still meanwhile.
update lease set until = clock_timestamp() + $4::interval
where name = $1 and replica = $2 and token = $3
returning token;

-- name: lock
-- Wait until no transaction writes under this lease any more.
select from lease where name = $1 for update;

-- name: acquire
-- Take a lease that is free or over, or our own anew; whoever starts anew ($4) raises the token.
insert into lease as l (name, replica, token, until)
values ($1, $2, 1, clock_timestamp() + $3::interval)
on conflict (name) do update set
    replica = excluded.replica,
    token = case when l.replica = excluded.replica and not $4 then l.token else l.token + 1 end,
    until = excluded.until
where l.replica = excluded.replica or l.until < clock_timestamp()
returning token;

-- name: check_token
-- Nobody else can take the lease while this transaction writes; no row: somebody else has it.
select token from lease
where name = $1 and token = $2 and until > clock_timestamp()
for key share;

-- name: release
-- Give a lease back.
update lease set until = clock_timestamp() where name = $1 and replica = $2;

-- name: list_earlier
-- How often the same thing was an incident in the span before each of these opened, and the latest of those before that has a
-- cause; only where there is either.
select asked.id, counted.times, latest.owner, latest.recovered_at, latest.cause
from unnest($1::bigint[], $2::bytea[], $3::timestamptz[]) as asked (id, fingerprint, opened_at)
cross join lateral (
    select count(*)::integer as times from incident i
    where i.fingerprint = asked.fingerprint and i.recovered_at > asked.opened_at - $4::interval
        and i.opened_at < asked.opened_at and i.id <> asked.id
) counted
left join lateral (
    select i.owner, i.recovered_at, i.cause from incident i
    where i.fingerprint = asked.fingerprint and i.recovered_at is not null
        and i.opened_at < asked.opened_at and i.id <> asked.id
        and i.cause <> '' and i.cause_kind <> all($5::text[])
    order by i.recovered_at desc
    limit 1
) latest on true
where counted.times > 0 or latest.cause is not null;

-- name: list_tracks
-- All that is remembered of bad entities.
select * from track;

-- name: upsert_tracks
-- Remember what a look led to.
insert into track (
    rule, fingerprint, identity, entity, bad_checks, good_checks, bad_since, first_bad_at, severity,
    failure_class, incident_id, excused_since, reason
)
select
    n.rule, n.fingerprint, n.identity, n.entity::jsonb, n.bad_checks, n.good_checks, n.bad_since,
    n.first_bad_at, n.severity, n.failure_class, n.incident_id, n.excused_since, n.reason
from unnest(
    $1::text[], $2::bytea[], $3::text[], $4::text[], $5::integer[], $6::integer[],
    $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::bigint[],
    $12::timestamptz[], $13::text[]
) as n (
    rule, fingerprint, identity, entity, bad_checks, good_checks, bad_since, first_bad_at, severity,
    failure_class, incident_id, excused_since, reason
)
on conflict (rule, fingerprint) do update set
    identity = excluded.identity, bad_checks = excluded.bad_checks,
    good_checks = excluded.good_checks, bad_since = excluded.bad_since,
    first_bad_at = excluded.first_bad_at, severity = excluded.severity,
    failure_class = excluded.failure_class, incident_id = excluded.incident_id,
    excused_since = excluded.excused_since, reason = excluded.reason;

-- name: delete_tracks
-- Forget entities that are good again.
delete from track t using unnest($1::text[], $2::bytea[]) as n (rule, fingerprint)
where t.rule = n.rule and t.fingerprint = n.fingerprint;

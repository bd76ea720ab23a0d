-- name: list_remembered
-- What every rule's kind remembers, and what the rule watched when it was written.
select rule, key, identity, value from remembered order by rule, key;

-- name: write_remembered
-- Add or replace what is remembered under a batch of keys.
insert into remembered (rule, key, identity, value)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
on conflict (rule, key) do update set identity = excluded.identity, value = excluded.value;

-- name: forget_keys
-- Forget a batch of keys.
delete from remembered using unnest($1::text[], $2::text[]) as gone (rule, key)
where remembered.rule = gone.rule and remembered.key = gone.key;

-- name: keep_remembered
-- Forget everything of rules that are not declared, or that watch something else now.
delete from remembered where not (rule = any($3::text[])) and not exists (
    select from unnest($1::text[], $2::text[]) as kept (rule, identity)
    where kept.rule = remembered.rule and kept.identity = remembered.identity
);

-- name: list_past
-- When the entities of some rules were bad, as far as it had not ended before an instant each. What joined a
-- storm has gone on as its member, and what was split out of one as an incident.
select p.rule, p.entity, p.since, p.until
from unnest($1::text[], $2::timestamptz[]) as w (rule, since)
cross join lateral (
    select i.rule, i.entity, coalesce(i.first_bad_at, i.opened_at) as since,
        coalesce(i.first_good_at, i.resolved_at) as until, i.id, 0 as number
    from incident i where i.rule = w.rule and i.cause_kind <> 'joined'
    union all
    select m.rule, m.entity, m.first_bad_at, m.first_good_at, m.incident_id, m.number
    from member m
    where m.rule = w.rule and m.state in ('bad', 'good')
) p
where coalesce(p.until, 'infinity') >= w.since
order by p.rule, p.id, p.number;

-- name: count_incidents
-- How many incidents still need somebody, by severity and state.
select severity, state, count(*) as number from incident where state <> 'resolved'
group by severity, state;

-- name: mark_changes
-- Texts that differ whenever what a page shows has changed; cheap, because they are asked for often.
select
    (
        select format('%s %s %s', count(*), sum(version), max(last_looked_at))
        from incident where state <> 'resolved'
    ) as incidents,
    (
        select format(
            '%s %s %s', count(*) filter (where outcome = 'bad'), count(*) filter (where outcome = 'error'),
            date_bin('15 s', max(looked_at), timestamptz '2000-01-01 00:00+00')
        ) from rule_look
    ) as rules,
    (
        select format(
            '%s %s %s', (select max(id) from notification), count(*), sum(token + attempts)
        ) from notification where state in ('pending', 'sending')
    ) as outbox;

-- name: list_facts
-- What messages say, before it is rendered.
select n.id, coalesce(e.facts, r.facts)::jsonb as facts
from notification n
left join event e on e.incident_id = n.incident_id and e.version = n.version
left join report_run r on r.id = n.report_run
where n.id = any($1::bigint[]);

-- name: is_led_by_another
-- Whether a lease is held by another replica.
select exists (
    select from lease where name = $1 and replica <> $2 and until > clock_timestamp()
);

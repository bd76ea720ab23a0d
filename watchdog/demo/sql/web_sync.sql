-- name: add_log
-- One sync of one organisation.
insert into sync_logs
    (organization_id, system_type, status, records_processed, error, duration_ms, synced_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: note_sync
-- The organisation's row says when it last synced and how often it failed in a row.
update integrations
set last_sync_at = ?1,
    consecutive_failures = case ?2 when 'failed' then consecutive_failures + 1 else 0 end
where organization_id = ?3 and system_type = 'zendesk'

-- name: forget_logs
-- The log is kept for four weeks.
delete from sync_logs where synced_at < ?1

-- name: add_integration
-- An organisation's schedule.
insert into integrations
    (organization_id, system_type, is_active, interval_cron, timezone, last_sync_at)
values (?1, 'zendesk', ?2, ?3, ?4, ?5)

-- name: add_even_logs
-- The history of the organisations in ?1 (JSON), ?2 seconds long, at even steps back from their last.
with recursive numbers (n) as materialized (
    select 0 union all select n + 1 from numbers where (n + 1) * 900 < ?2
),
paces as materialized (
    select json_extract(value, '$[0]') as id, json_extract(value, '$[1]') as number,
           json_extract(value, '$[2]') as last_at, json_extract(value, '$[3]') as step
    from json_each(?1)
),
syncs as (
    select id, last_at - n * step as at, (last_at - n * step) / 60 + number * 31 as seed
    from paces join numbers on n * step < ?2
)
insert into sync_logs
    (organization_id, system_type, status, records_processed, error, duration_ms, synced_at)
select id, 'zendesk', 'success', 3 + seed % 11, null, 600 + seed * 37 % 900,
       strftime('%Y-%m-%dT%H:%M:%SZ', at, 'unixepoch')
from syncs

-- name: add_flow_records
-- Twenty tickets of each organisation.
with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 20)
insert into flow_records (organization_id, source_system, external_id, updated_at)
select organization_id, 'zendesk', 'ticket-' || n, ?1 from integrations, numbers

-- name: read_status
-- An organisation's state, its syncs, those since the start of day ?2, and its last three (JSON).
select is_active, last_sync_at, consecutive_failures,
       (select count(*) from sync_logs as l where l.organization_id = i.organization_id),
       (select count(*) from sync_logs as l
        where l.organization_id = i.organization_id and l.synced_at >= ?2),
       (select json_group_array(json_object(
                   'status', status, 'recordsProcessed', records_processed, 'error', error,
                   'durationMs', duration_ms, 'syncedAt', synced_at))
        from (select * from sync_logs as l where l.organization_id = i.organization_id
              order by synced_at desc limit 3))
from integrations as i
where organization_id = ?1

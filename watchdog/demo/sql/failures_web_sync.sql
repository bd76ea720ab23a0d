-- name: fail_syncs
-- The last ?3 syncs of organisation ?2 failed.
update sync_logs set status = 'failed', records_processed = 0, error = ?4
where id in (
    select id from sync_logs
    where organization_id = ?2 and system_type = 'zendesk' and synced_at <= ?1
    order by synced_at desc limit ?3)

-- name: add_good_sync
-- Organisation ?2 syncs by hand.
insert into sync_logs
    (organization_id, system_type, status, records_processed, duration_ms, synced_at)
values (?2, 'zendesk', 'success', 12, 900, ?1)

-- name: fail_earlier_sync
-- The sync of organisation ?2 before its last ?3 ones failed.
update sync_logs set status = 'failed', records_processed = 0, error = ?4
where id = (
    select id from sync_logs
    where organization_id = ?2 and system_type = 'zendesk' and synced_at <= ?1
    order by synced_at desc limit 1 offset ?3)

-- name: hide_syncs
-- Organisations like ?2 have not synced for ?3, such as `35 minutes`.
delete from sync_logs
where organization_id like ?2 and synced_at > strftime('%Y-%m-%dT%H:%M:%SZ', ?1, '-' || ?3)

-- name: note_last_syncs
-- The rows of organisations like ?2 say when they last synced, as far as the log still knows.
update integrations
set last_sync_at = coalesce((
    select max(synced_at) from sync_logs as l
    where l.organization_id = integrations.organization_id), last_sync_at)
where organization_id like ?2

-- name: connect_organisation
-- Organisation ?2 is new, switched on (?3) or not, and has never synced; it is due once a year.
insert into integrations
    (organization_id, system_type, is_active, interval_cron, timezone, last_sync_at)
values (?2, 'zendesk', ?3, '0 6 1 1 *', 'Atlantic/Reykjavik', null)
on conflict (organization_id, system_type) do update set is_active = ?3, last_sync_at = null

-- name: forget_organisation
-- Organisation ?2 was never there.
delete from integrations where organization_id = ?2

-- name: slow_syncs
-- The last ?3 syncs of organisation ?2 took ?4 ms each.
update sync_logs set duration_ms = ?4
where id in (
    select id from sync_logs where organization_id = ?2 and synced_at <= ?1
    order by synced_at desc limit ?3)

-- name: set_records
-- Each sync of organisation ?2 in the last ?3 brought ?4 records.
update sync_logs set records_processed = ?4
where organization_id = ?2 and synced_at > strftime('%Y-%m-%dT%H:%M:%SZ', ?1, '-' || ?3)

-- name: set_sunday_records
-- Each sync of organisation ?2 on a Sunday brought ?3 records.
update sync_logs set records_processed = ?3
where organization_id = ?2 and strftime('%w', synced_at) = '0'

-- name: keep_office_hours_only
-- Only organisations that keep office hours are switched on.
update integrations set is_active = 0 where interval_cron <> '0 9-17 * * 1-5'

-- name: switch_on_again
-- All but one of 23 organisations are switched on.
update integrations set is_active = (id % 23 <> 0)

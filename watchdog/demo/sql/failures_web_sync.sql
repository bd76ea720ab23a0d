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

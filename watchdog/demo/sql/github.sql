-- name: sync_repositories
-- Every active repository that is due syncs, unless it was given up after too many attempts, or
-- belongs to the workspaces $2. What says no frequency is due again in a day.
update workspace_tracked_repositories
set last_sync_status = 'success', last_sync_at = $1, sync_attempts = 0, last_sync_error = null,
    next_sync_at = $1::timestamptz
        + coalesce(nullif(sync_frequency_hours, 0), 24) * interval '1 hour',
    total_issues_fetched = total_issues_fetched + 1
where is_active and next_sync_at <= $1 and workspace_id <> all ($2::text[])
  and not (last_sync_status = 'failed' and sync_attempts >= 3)

-- name: renew_cache
-- Cached answers that ended are asked for again.
update workspace_issues_cache set expires_at = $1::timestamptz + interval '1 hour'
where expires_at <= $1

-- name: add_metrics
-- Yesterday's figures are written once.
insert into daily_activity_metrics
select ($1::timestamptz at time zone 'UTC')::date - 1, id, 3 from workspaces
on conflict do nothing

-- name: forget_metrics
-- Figures are archived after two months.
delete from daily_activity_metrics where date < ($1::timestamptz at time zone 'UTC')::date - 60

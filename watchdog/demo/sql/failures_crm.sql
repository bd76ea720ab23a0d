-- name: age_tickets
-- Nothing was written for $2.
update zendesk_tickets set updated_at = $1::timestamptz - $2::interval
where updated_at > $1::timestamptz - $2::interval

-- name: hold_tickets
-- The newest tickets are always $2 old.
update zendesk_tickets set updated_at = $1::timestamptz - $2::interval
where updated_at > $1::timestamptz - $2::interval
   or id in (select id from zendesk_tickets order by id desc limit 12)

-- name: empty_last_run
-- The last run found nothing.
update zendesk_sync_runs set tickets_fetched = 0, tickets_upserted = 0
where id = (
    select id from zendesk_sync_runs where status = 'success' order by started_at desc limit 1)

-- name: fail_runs
-- Of the last three runs that ended, those from number $2 to number $3, counted back, failed.
update zendesk_sync_runs as r
set status = case when failed then 'failed' else 'success' end,
    tickets_fetched = case when failed then 0 else usual_tickets(r.started_at) end,
    tickets_upserted = case when failed then 0 else usual_tickets(r.started_at) end,
    error_message = case when failed then $4::text end
from (
    select id, row_number() over (order by started_at desc) between $2::integer and $3::integer
           as failed
    from zendesk_sync_runs
    where finished_at <= $1::timestamptz
    order by started_at desc
    limit 3
) as last
where last.id = r.id

-- name: add_failed_runs
-- $2 runs by hand failed within the last minute.
insert into zendesk_sync_runs (started_at, finished_at, status, error_message)
select $1::timestamptz - n * interval '10 seconds', $1::timestamptz - n * interval '10 seconds'
       + interval '1 second', 'failed', $3::text
from generate_series(1, $2::integer) as n

-- name: begin_run
-- A run began $2 ago and has not ended; none began after it.
with after as (
    delete from zendesk_sync_runs where started_at >= $1::timestamptz - $2::interval
)
insert into zendesk_sync_runs (started_at, status) values ($1::timestamptz - $2::interval, 'running')

-- name: end_runs
-- Whatever still runs is ended by hand.
update zendesk_sync_runs
set status = 'failed', finished_at = $1::timestamptz, error_message = 'stopped by hand'
where status = 'running'

-- name: forget_late_runs
-- No run began in the last $2.
delete from zendesk_sync_runs where started_at > $1::timestamptz - $2::interval

-- name: hold_run
-- The run in progress always began $2 ago.
update zendesk_sync_runs set started_at = $1::timestamptz - $2::interval where status = 'running'

-- name: empty_runs
-- Whatever ran in the last $2 found nothing.
update zendesk_sync_runs set tickets_fetched = 0, tickets_upserted = 0
where status = 'success' and started_at > $1::timestamptz - $2::interval

-- name: fill_runs
-- Whatever ran in the last day and found nothing has been made up for.
update zendesk_sync_runs
set tickets_fetched = usual_tickets(started_at), tickets_upserted = usual_tickets(started_at)
where status = 'success' and tickets_fetched = 0
  and started_at > $1::timestamptz - interval '1 day'

-- name: write_nothing
-- The last $2 runs that fetched tickets wrote none.
update zendesk_sync_runs set tickets_upserted = 0
where id in (
    select id from zendesk_sync_runs
    where status = 'success' and tickets_fetched > 0 and finished_at <= $1::timestamptz
    order by started_at desc limit $2::integer)

-- name: write_all
-- Every run of the last days wrote what it fetched.
update zendesk_sync_runs set tickets_upserted = tickets_fetched
where tickets_upserted < tickets_fetched and started_at > $1::timestamptz - interval '2 days'

-- name: add_good_run
-- A run by hand succeeds and fetches tickets.
insert into zendesk_sync_runs (started_at, finished_at, status, tickets_fetched, tickets_upserted)
values ($1::timestamptz - interval '1 second', $1, 'success', 14, 14)

-- name: add_ticket
-- A customer writes.
insert into zendesk_tickets (subject, status, created_at, updated_at)
values ($2::text, 'open', $1::timestamptz, $1)

-- name: remark_on_last_run
-- The last run that succeeded has a remark.
update zendesk_sync_runs set error_message = $2::text
where id = (
    select id from zendesk_sync_runs
    where status = 'success' and finished_at <= $1::timestamptz
    order by started_at desc limit 1)

-- name: run_contact_sync
-- The sync of workspace $2 began $3 ago and has not ended.
update servicetitan_sync_state
set sync_status = 'running', updated_at = $1::timestamptz - $3::interval
where workspace_id = $2::text

-- name: end_contact_sync
-- The sync of workspace $2 is ended, and all is well.
update servicetitan_sync_state
set sync_status = 'completed', updated_at = $1::timestamptz, last_modified_cursor = $1,
    last_sync_errors = 0, last_error = null
where workspace_id = $2::text

-- name: leave_contact_sync
-- The last sync of workspace $2 ended $3 ago.
update servicetitan_sync_state
set sync_status = 'completed', updated_at = $1::timestamptz - $3::interval
where workspace_id = $2::text

-- name: end_with_errors
-- A sync of workspace $2 ends, and could not write $3 of its customers.
update servicetitan_sync_state
set sync_status = 'completed', updated_at = $1::timestamptz, last_modified_cursor = $1,
    last_sync_errors = $3::integer, last_error = 'customer 100017: lastname is missing'
where workspace_id = $2::text

-- name: fail_contact_sync
-- The workflow of workspace $2 ends with an error.
update servicetitan_sync_state
set sync_status = 'error', updated_at = $1::timestamptz, last_error = 'step fetch-customers failed'
where workspace_id = $2::text

-- name: enable_contact_sync
-- The sync of workspace $2 is switched on ($3) or off.
update servicetitan_sync_state set sync_enabled = $3::boolean
where workspace_id = $2::text and $1::timestamptz is not null

-- name: set_cursor
-- Somebody sets the cursor of workspace $2 to $3 from now.
update servicetitan_sync_state set last_modified_cursor = $1::timestamptz + $3::interval
where workspace_id = $2::text

-- name: walk_contacts
-- A sync of workspace $2 updates every contact that there is.
update contacts set updated_at = $1::timestamptz where workspace_id = $2::text

-- name: rest_contacts
-- Nothing was updated in workspace $2 since yesterday.
update contacts set updated_at = $1::timestamptz - interval '1 day'
where workspace_id = $2::text and updated_at > $1::timestamptz - interval '1 hour'

-- name: import_contacts
-- A customer imports $3 contacts into workspace $2; their numbers lie far apart.
insert into contacts (workspace_id, crm_id, firstname, lastname, created_at, updated_at)
select $2::text, 500000 + n * 37, 'Ivo', 'Import', $1::timestamptz, $1
from generate_series(1, $3::integer) as n

-- name: forget_imported_contacts
-- The import into workspace $2 is undone.
delete from contacts
where workspace_id = $2::text and lastname = 'Import' and $1::timestamptz is not null

-- name: repeat_contacts
-- $3 customers of workspace $2 are written a second time.
insert into contacts (workspace_id, crm_id, firstname, lastname, created_at, updated_at)
select workspace_id, crm_id, firstname, 'Import', $1::timestamptz, $1
from contacts where workspace_id = $2::text order by crm_id limit $3::integer

-- name: add_keyless_contacts
-- $3 contacts of workspace $2 are no customers of the CRM.
insert into contacts (workspace_id, crm_id, firstname, lastname, created_at, updated_at)
select $2::text, null, 'Ida', 'Import', $1::timestamptz, $1 from generate_series(1, $3::integer)

-- name: fail_repositories
-- The repositories $2 failed at the last of $3 attempts.
update workspace_tracked_repositories as w
set last_sync_status = 'failed', sync_attempts = $3::integer, last_sync_error = $4::text,
    last_sync_at = $1::timestamptz, next_sync_at = $1::timestamptz + interval '1 hour'
from tracked_repositories as t join repositories as r on r.id = t.repository_id
where t.id = w.tracked_repository_id and r.full_name = any ($2::text[])

-- name: fail_some_repositories
-- $2 repositories failed at their first attempt.
update workspace_tracked_repositories
set last_sync_status = 'failed', sync_attempts = 1, last_sync_error = $3::text,
    last_sync_at = $1::timestamptz, next_sync_at = $1::timestamptz + interval '1 hour'
where id in (
    select id from workspace_tracked_repositories where is_active order by id limit $2::integer)

-- name: mend_repositories
-- Whatever failed has synced again.
update workspace_tracked_repositories
set last_sync_status = 'success', sync_attempts = 0, last_sync_error = null,
    last_sync_at = $1::timestamptz, next_sync_at = $1::timestamptz + sync_frequency_hours * interval '1 hour'
where last_sync_status = 'failed'

-- name: delay_repositories
-- The repositories of workspace $2 should have synced $3 ago.
update workspace_tracked_repositories set next_sync_at = $1::timestamptz - $3::interval
where workspace_id = $2::text and is_active

-- name: switch_off_repositories
-- Workspace $2 tracks repositories no more, which were due $3 ago.
update workspace_tracked_repositories
set is_active = false, next_sync_at = $1::timestamptz - $3::interval
where workspace_id = $2::text

-- name: switch_off_most_repositories
-- Six of ten workspaces track repositories no more.
update workspace_tracked_repositories as r set is_active = false
from (select id, row_number() over (order by id) as n from workspaces) as w
where w.id = r.workspace_id and w.n % 10 < 6 and $1::timestamptz is not null

-- name: slow_tier_down
-- The repositories of tier $2 sync half as often.
update workspace_tracked_repositories as r set sync_frequency_hours = sync_frequency_hours * 2
from workspaces as w where w.id = r.workspace_id and w.tier = $2::text and $1::timestamptz is not null

-- name: speed_tier_up
-- They sync as often as before.
update workspace_tracked_repositories as r set sync_frequency_hours = sync_frequency_hours / 2
from workspaces as w where w.id = r.workspace_id and w.tier = $2::text and $1::timestamptz is not null

-- name: delay_all_repositories
-- Since $2 nothing has synced; every third has been due for a quarter of an hour to three hours.
update workspace_tracked_repositories
set last_sync_at = least(last_sync_at, $1::timestamptz - $2::interval),
    next_sync_at = case abs(hashtext(id::text)::bigint) % 3
        when 0 then $1::timestamptz
            - (15 + abs(hashtext(id::text)::bigint) % 180) * interval '1 minute'
        else next_sync_at end
where is_active

-- name: sync_late_repositories
-- Whatever is overdue syncs at once.
update workspace_tracked_repositories
set last_sync_at = $1::timestamptz, next_sync_at = $1::timestamptz + sync_frequency_hours * interval '1 hour'
where is_active and next_sync_at <= $1

-- name: switch_on_repositories
-- All but one in twenty are active again, as at the beginning, and are due within their interval.
update workspace_tracked_repositories as w
set is_active = true, last_sync_at = $1::timestamptz,
    next_sync_at = $1::timestamptz + w.sync_frequency_hours * interval '1 hour'
from (
    select t.id, row_number() over (order by r.full_name collate "C") as n
    from tracked_repositories as t join repositories as r on r.id = t.repository_id
) as o
where o.id = w.tracked_repository_id and not w.is_active and o.n % 20 <> 0

-- name: leave_cache
-- $2 cached answers ended $3 ago.
insert into workspace_issues_cache (workspace_id, payload, expires_at)
select (select min(id) from workspaces), '{"open": 1}', $1::timestamptz - $3::interval
from generate_series(1, $2::integer)

-- name: clean_cache
-- Whatever ended more than half a day ago is deleted.
delete from workspace_issues_cache where expires_at < $1::timestamptz - interval '12 hours'

-- name: track_repositories
-- Workspace $2 tracks $3 more repositories than its tier allows.
update workspaces set current_repository_count = max_repositories + $3::integer
where id = $2::text and $1::timestamptz is not null

-- name: untrack_repositories
-- Every workspace tracks five repositories.
update workspaces set current_repository_count = 5
where current_repository_count <> 5 and $1::timestamptz is not null

-- name: set_frequencies
-- The repositories of workspace $2 sync every $3 hours.
update workspace_tracked_repositories set sync_frequency_hours = $3::integer
where workspace_id = $2::text and $1::timestamptz is not null

-- name: spoil_frequencies
-- Of the repositories of workspace $2 one says 0 hours, another one says nothing.
update workspace_tracked_repositories as w
set sync_frequency_hours = case when o.n = 1 then 0 end
from (
    select id, row_number() over (order by id) as n from workspace_tracked_repositories
    where workspace_id = $2::text and is_active and $1::timestamptz is not null
) as o
where o.id = w.id and o.n <= 2

-- name: leave_few_syncs
-- Only $2 repositories have synced within the last day, and all of these failed.
update workspace_tracked_repositories as w
set last_sync_at = case when o.n <= $2::integer then $1::timestamptz
                        else least(w.last_sync_at, $1::timestamptz - interval '25 hours') end,
    last_sync_status = case when o.n <= $2::integer then 'failed' else w.last_sync_status end,
    sync_attempts = case when o.n <= $2::integer then 1 else w.sync_attempts end
from (
    select id, row_number() over (order by id) as n from workspace_tracked_repositories
    where is_active
) as o
where o.id = w.id and (o.n <= $2::integer or w.last_sync_at > $1::timestamptz - interval '25 hours')

-- name: restore_syncs
-- The last sync of each was its interval before the next one is due.
update workspace_tracked_repositories
set last_sync_at = next_sync_at - sync_frequency_hours * interval '1 hour'
where is_active and last_sync_at < $1::timestamptz - interval '24 hours'

-- name: keep_metrics
-- The figures of the day $2 days ago are still there.
insert into daily_activity_metrics
select ($1::timestamptz at time zone 'UTC')::date - $2::integer, id, 3 from workspaces limit 3
on conflict do nothing

-- name: archive_metrics
-- Figures older than two months are archived.
delete from daily_activity_metrics where date < ($1::timestamptz at time zone 'UTC')::date - 60

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
-- The sync of workspace $2 is ended.
update servicetitan_sync_state
set sync_status = 'completed', updated_at = $1::timestamptz, last_modified_cursor = $1
where workspace_id = $2::text

-- name: fail_repositories
-- The first $2 repositories were given up after four attempts.
update workspace_tracked_repositories
set last_sync_status = 'failed', sync_attempts = 4, last_sync_error = $3::text,
    next_sync_at = $1::timestamptz + interval '1 hour'
where id in (
    select id from workspace_tracked_repositories where is_active order by id limit $2::integer)

-- name: mend_repositories
-- Whatever was given up has synced again.
update workspace_tracked_repositories
set last_sync_status = 'success', sync_attempts = 0, last_sync_error = null,
    last_sync_at = $1::timestamptz, next_sync_at = $1::timestamptz + sync_frequency_hours * interval '1 hour'
where last_sync_status = 'failed'

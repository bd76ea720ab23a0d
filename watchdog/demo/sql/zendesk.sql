-- name: finish_runs
-- Running runs that have taken their time ($2) end; with an error ($3) they fail.
update zendesk_sync_runs
set finished_at = started_at + $2::interval,
    status = case when $3::text is null then 'success' else 'failed' end,
    tickets_fetched = case when $3::text is not null or $4::boolean then 0 else usual_tickets(started_at) end,
    tickets_upserted = case when $3::text is not null or $4::boolean then 0 else usual_tickets(started_at) end,
    error_message = $3
where status = 'running' and started_at + $2::interval <= $1::timestamptz

-- name: start_runs
-- Every quarter of an hour since the newest run has one, those of the last day at most.
insert into zendesk_sync_runs
    (started_at, finished_at, status, tickets_fetched, tickets_upserted, error_message)
select slot,
       case when over then slot + $2::interval end,
       case when not over then 'running' when $3::text is null then 'success' else 'failed' end,
       case when not over or $3::text is not null or $4::boolean then 0 else usual_tickets(slot) end,
       case when not over or $3::text is not null or $4::boolean then 0 else usual_tickets(slot) end,
       case when over then $3 end
from generate_series(
    greatest(
        date_bin('15 minutes', (select max(started_at) from zendesk_sync_runs), 'epoch')
            + interval '15 minutes',
        date_bin('15 minutes', $1::timestamptz, 'epoch') - interval '1 day'),
    date_bin('15 minutes', $1::timestamptz, 'epoch'),
    interval '15 minutes') as slot,
    lateral (select slot + $2::interval <= $1::timestamptz as over) as run

-- name: start_one
-- Somebody asks for a run now; nothing is returned while one runs.
insert into zendesk_sync_runs (started_at, status)
select $1, 'running' where not exists (select from zendesk_sync_runs where status = 'running')
returning id

-- name: update_tickets
-- The newest tickets were written by the last run that fetched any.
with run as (
    select max(finished_at) as at from zendesk_sync_runs
    where status = 'success' and tickets_fetched > 0 and finished_at > $1::timestamptz - interval '2 days'
)
update zendesk_tickets set updated_at = run.at
from run
where run.at > (select max(updated_at) from zendesk_tickets)
  and id in (select id from zendesk_tickets order by id desc limit 12)

-- name: add_ticket
-- Each of these runs found one ticket that is new.
insert into zendesk_tickets (subject, status, created_at, updated_at)
select 'Where is my order', 'open', max(finished_at) - interval '5 minutes', max(finished_at)
from zendesk_sync_runs
where status = 'success' and tickets_fetched > 0 and finished_at > $1::timestamptz - interval '2 days'
having max(finished_at) > (
    select created_at + interval '6 minutes' from zendesk_tickets order by id desc limit 1)

-- name: forget_runs
-- Runs are kept for as long as the first history reaches.
delete from zendesk_sync_runs where started_at < $1::timestamptz - interval '410 days'

-- name: add_workspaces
-- One row for each id, name and zone; every fourth is on the largest tier.
insert into workspaces
select id, name, zone,
       case n % 4 when 0 then 'enterprise' when 1 then 'pro' else 'free' end,
       case n % 4 when 0 then 50 when 1 then 20 else 8 end,
       5,
       case n % 4 when 0 then 365 else 90 end
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (id, name, zone, n)

-- name: add_runs
-- A run every quarter of an hour for 13 months; one in a hundred failed.
with slots as materialized (
    select slot, usual_tickets(slot) as tickets,
           hashint8(date_part('epoch', slot)::bigint) % 97 = 0
               and slot < $1::timestamptz - interval '6 hours' as failed
    from generate_series(
        date_bin('15 minutes', $1::timestamptz, 'epoch') - interval '400 days',
        date_bin('15 minutes', $1::timestamptz, 'epoch') - interval '15 minutes',
        interval '15 minutes') as slot
)
insert into zendesk_sync_runs
    (started_at, finished_at, status, tickets_fetched, tickets_upserted, error_message)
select slot, slot + interval '40 seconds',
       case when failed then 'failed' else 'success' end,
       case when failed then 0 else tickets end,
       case when failed then 0 else tickets end,
       case when failed then 'HTTP 503 from Zendesk' end
from slots

-- name: add_tickets
-- Twenty thousand tickets of the last 400 days.
insert into zendesk_tickets (id, subject, status, created_at, updated_at)
select n,
       (array['Cannot log in', 'Where is my order', 'Invoice is wrong', 'App crashes at start',
              'Please cancel', 'Question about prices'])[1 + n % 6],
       case when n < 19700 then 'solved' when n % 3 = 0 then 'pending' else 'open' end,
       $1::timestamptz - (20001 - n) * interval '28 minutes',
       $1::timestamptz - (20001 - n) * interval '27 minutes'
from generate_series(1, 20000) as n

-- name: follow_tickets
-- New tickets are numbered after the old ones.
select setval(pg_get_serial_sequence('zendesk_tickets', 'id'), 20000)

-- name: add_sync_states
-- All but one in fifteen are enabled; a disabled one stopped long ago.
insert into servicetitan_sync_state
select id, 900000 + n, n % 15 <> 0, case when n % 15 = 0 then 'idle' else 'completed' end,
       id || '-0',
       $1::timestamptz - case when n % 15 = 0 then interval '90 days' else interval '16 minutes' end,
       2, 7, 0, null,
       $1::timestamptz - case when n % 15 = 0 then interval '90 days' else interval '16 minutes' end
from (select id, row_number() over (order by id collate "C") as n from workspaces) as w

-- name: add_contacts
-- A hundred customers a workspace.
insert into contacts (workspace_id, crm_id, firstname, lastname, created_at, updated_at)
select id, 100000 + n,
       (array['Ada', 'Ben', 'Chi', 'Dora', 'Emil', 'Fatma', 'Gus'])[1 + n % 7],
       (array['Adams', 'Berg', 'Costa', 'Dube', 'Eriksen', 'Fischer'])[1 + n % 6],
       $1::timestamptz - n * interval '3 days',
       $1::timestamptz - n * interval '7 hours'
from workspaces, generate_series(1, 100) as n

-- name: add_repositories
-- Five repositories a workspace.
insert into repositories
select md5(id || n)::uuid, id || '/' || (array['api', 'app', 'docs', 'infra', 'site'])[n]
from workspaces, generate_series(1, 5) as n

-- name: add_tracked_repositories
-- Each of them is tracked.
insert into tracked_repositories
select md5('tracked' || full_name)::uuid, id from repositories

-- name: add_workspace_repositories
-- The next sync of each falls somewhere within its own interval; one in twenty is not active.
insert into workspace_tracked_repositories
select md5('workspace' || r.full_name)::uuid, split_part(r.full_name, '/', 1), t.id,
       n % 20 <> 0, 'success',
       $1::timestamptz - share * hours * interval '1 hour',
       $1::timestamptz + (1 - share) * hours * interval '1 hour',
       0, null, hours, 100 - n % 100, 40 + n
from (select *, row_number() over (order by full_name collate "C") as n from repositories) as r
join tracked_repositories as t on t.repository_id = r.id,
    lateral (select case n % 3 when 0 then 24 when 1 then 12 else 6 end as hours,
                    abs(hashint8(n)::bigint) % 1000 / 1000.0 as share) as pace

-- name: add_issues
-- Fifteen issues a repository.
insert into issues (repository_id, created_at)
select id, $1::timestamptz - n * interval '5 days' from repositories, generate_series(1, 15) as n

-- name: add_cache
-- Two cached answers a workspace, valid for an hour.
insert into workspace_issues_cache (workspace_id, payload, expires_at)
select id, '{"open": 4}', $1::timestamptz + n * interval '30 minutes'
from workspaces, generate_series(1, 2) as n

-- name: add_metrics
-- Thirty days of figures a workspace.
insert into daily_activity_metrics
select ($1::timestamptz at time zone 'UTC')::date - day, id, 2 + day % 5
from workspaces, generate_series(1, 30) as day

-- name: end_syncs
-- A sync ends 40 seconds after it began: the one that runs, or the latest one whose beginning
-- nobody lived through. Those of workspaces in $2 never end. Those in $3 do not move the cursor,
-- those in $4 update all contacts, those in $5 could not write some of them; in those in $6 one that
-- has been running for minutes hangs.
with over as (
    select s.workspace_id, greatest(
        case when s.sync_enabled then missed.at end,
        case when s.sync_status = 'running' then s.updated_at end) + interval '40 seconds' as at
    from servicetitan_sync_state as s join workspaces as w on w.id = s.workspace_id,
        lateral (select abs(hashtext(w.id)::bigint) % 900 * interval '1 second' as spread) as own,
        lateral (select date_bin('15 minutes', $1::timestamptz - interval '40 seconds' - spread,
                                 'epoch') + spread as at) as slot,
        lateral (select case
            when extract(hour from slot.at at time zone w.timezone) between 6 and 19 then slot.at
            else (date_trunc('day', slot.at at time zone w.timezone - interval '6 hours')
                  + interval '19 hours 45 minutes') at time zone w.timezone + spread
        end as at) as missed
    where s.workspace_id <> all ($2::text[])
      and not (s.workspace_id = any ($6::text[]) and s.sync_status = 'running'
               and s.updated_at < $1::timestamptz - interval '5 minutes')
      and (s.sync_enabled and s.updated_at < missed.at
           or s.sync_status = 'running' and s.updated_at <= $1::timestamptz - interval '40 seconds')
), done as (
    update servicetitan_sync_state as s
    set sync_status = 'completed', updated_at = over.at,
        last_error =
            case when s.workspace_id = any ($5::text[]) then 'customer 100017: lastname is missing' end,
        last_modified_cursor =
            case when s.workspace_id = any ($3::text[]) then last_modified_cursor else over.at end,
        last_sync_created = 0,
        last_sync_errors = case when s.workspace_id = any ($5::text[]) then 4 else 0 end,
        last_sync_updated = 1 + abs(hashtext(s.workspace_id || over.at::text)::bigint) % 9
    from over
    where over.workspace_id = s.workspace_id
    returning s.workspace_id, over.at
)
update contacts set updated_at = done.at
from done
where contacts.workspace_id = done.workspace_id
  and (crm_id % 20 = extract(minute from done.at)::integer % 20
       or contacts.workspace_id = any ($4::text[]))

-- name: start_syncs
-- Enabled workspaces sync every quarter of an hour from 06:00 to 20:00 of their own day, each at
-- its own second of it.
update servicetitan_sync_state as s
set sync_status = 'running', updated_at = $1,
    last_instance_id = s.workspace_id || '-' || extract(epoch from $1::timestamptz)::bigint
from workspaces as w,
    lateral (select abs(hashtext(w.id)::bigint) % 900 * interval '1 second' as spread) as own
where w.id = s.workspace_id and s.sync_enabled and s.sync_status <> 'running'
  and s.workspace_id <> all ($2::text[])
  and extract(hour from $1::timestamptz at time zone w.timezone) between 6 and 19
  and s.updated_at < date_bin('15 minutes', $1::timestamptz - spread, 'epoch') + spread

-- name: start_one
-- Somebody asks for a sync of one workspace; nothing is returned while one runs.
update servicetitan_sync_state
set sync_status = 'running', updated_at = $1,
    last_instance_id = workspace_id || '-' || extract(epoch from $1::timestamptz)::bigint
where workspace_id = $2 and sync_status <> 'running'
returning last_instance_id

-- name: find_instance
-- How far one sync is.
select workspace_id, sync_status from servicetitan_sync_state where last_instance_id = $1

-- name: read_instances
-- How far the last sync of each workspace is.
select last_instance_id, workspace_id, sync_status from servicetitan_sync_state
where last_instance_id is not null

-- name: read_customers
-- The first customer of each workspace as its CRM has it.
select distinct on (workspace_id)
       workspace_id, s.tenant_id, c.crm_id, c.firstname, c.lastname
from servicetitan_sync_state as s
join contacts as c using (workspace_id)
order by workspace_id, c.crm_id

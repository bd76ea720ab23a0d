-- name: finish_syncs
-- A sync takes 40 seconds; those of workspaces in $2 never end. Those in $3 do not move the cursor,
-- those in $4 update all contacts, those in $5 could not write some of them.
with done as (
    update servicetitan_sync_state
    set sync_status = 'completed', updated_at = $1,
        last_error =
            case when workspace_id = any ($5::text[]) then 'customer 100017: lastname is missing' end,
        last_modified_cursor =
            case when workspace_id = any ($3::text[]) then last_modified_cursor else $1 end,
        last_sync_created = 0,
        last_sync_errors = case when workspace_id = any ($5::text[]) then 4 else 0 end,
        last_sync_updated = 1 + abs(hashtext(workspace_id || $1::text)::bigint) % 9
    where sync_status = 'running' and updated_at <= $1::timestamptz - interval '40 seconds'
      and workspace_id <> all ($2::text[])
    returning workspace_id
)
update contacts set updated_at = $1
from done
where contacts.workspace_id = done.workspace_id
  and (crm_id % 20 = extract(minute from $1::timestamptz)::integer % 20
       or contacts.workspace_id = any ($4::text[]))

-- name: catch_up_syncs
-- Who has not lived through the slot before the latest one, or through the last of a day that is
-- over, has synced then all the same; workspaces in $2 have not, those in $3 did not move the cursor.
update servicetitan_sync_state as s
set sync_status = 'completed', updated_at = ended_at,
    last_modified_cursor =
        case when s.workspace_id = any ($3::text[]) then last_modified_cursor else ended_at end
from workspaces as w,
    lateral (select abs(hashtext(w.id)::bigint) % 900 * interval '1 second' as spread) as own,
    lateral (select date_bin('15 minutes', $1::timestamptz - spread, 'epoch') + spread
                    - interval '15 minutes' as at) as slot,
    lateral (select case
        when extract(hour from at at time zone w.timezone) between 6 and 19 then at
        else (date_trunc('day', at at time zone w.timezone - interval '6 hours')
              + interval '19 hours 45 minutes') at time zone w.timezone + spread
    end + interval '40 seconds' as ended_at) as missed
where w.id = s.workspace_id and s.sync_enabled and s.updated_at < ended_at
  and s.workspace_id <> all ($2::text[])

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

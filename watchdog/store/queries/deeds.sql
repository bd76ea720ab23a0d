-- name: find_deed
-- What came of a person's action, with the timeline's entry of it.
select d.incident_id, d.version, e.state, e.owner
from deed d join event e on e.incident_id = d.incident_id and e.version = d.version
where d.action_id = $1;

-- name: insert_deed
-- Keep that an action took effect, and forget those of long ago; no row: it took effect before.
with forgotten as (
    delete from deed where at < $5
)
insert into deed (action_id, incident_id, version, at) values ($1, $2, $3, $4)
on conflict (action_id) do nothing
returning action_id;

-- name: list_tracks
-- All that is remembered of bad entities. A person may have split a member out of a storm, and a look
-- that was under way when incidents joined one may have been written after it.
select t.*, coalesce(m.split_id, j.storm_id, t.incident_id) as points_to
from track t
left join incident j on j.id = t.incident_id and j.cause_kind = 'joined'
left join member m on m.incident_id = coalesce(j.storm_id, t.incident_id)
    and m.fingerprint = t.fingerprint and m.state = 'split';

-- name: list_reasons
-- By rule, why what is bad has no incident; of many things the reason that most have.
select rule, mode() within group (order by reason) as reason
from track where incident_id is null and reason <> ''
group by rule;

-- name: delete_tracks
-- Forget entities of a rule that are good again, or about to be written anew.
delete from track where rule = $1 and fingerprint = any($2::bytea[]);

-- name: lock_storms
-- The storms of some teams and sources that live, or have recovered since an instant; locked.
select * from incident
where kind = 'storm' and state <> 'resolved'
    and (team, source) in (select * from unnest($1::text[], $2::text[]))
    and (state in ('open', 'taken') or recovered_at >= $3)
order by id for update;

-- name: lock_waiting
-- Incidents of some teams and sources that opened, or came back, since an instant, that nobody has taken and nothing
-- hides; what was split out of a storm stays apart. Locked.
select i.* from incident i
where i.state = 'open' and i.kind <> 'storm' and i.storm_id is null and i.reopened_at is null
    and i.silenced_until is null
    and (i.team, i.source) in (select * from unnest($1::text[], $2::text[]))
    and exists (
        select from event e
        where e.incident_id = i.id and e.event in ('opened', 'back_again') and e.at > $3
    )
order by i.id for update of i;

-- name: point_tracks
-- What was counted for incidents that joined a storm counts for it.
update track t set incident_id = j.storm_id
from unnest($1::bigint[], $2::bigint[]) as j (incident_id, storm_id)
where t.incident_id = j.incident_id;

-- name: replace_messages
-- Messages about incidents that joined a storm, to receivers who have not heard of them yet and hear of the storm.
update notification old set state = 'superseded', superseded_by = told.id, settled_at = $3, token = old.token
from unnest($1::bigint[], $2::bigint[]) as j (incident_id, storm_id)
cross join lateral (
    select n.receiver, max(n.id) as id from notification n where n.incident_id = j.storm_id group by n.receiver
) told
where old.incident_id = j.incident_id and old.receiver = told.receiver and old.state = 'pending'
    and not exists (
        select from notification heard
        where heard.incident_id = old.incident_id and heard.receiver = old.receiver and heard.attempts > 0
    );

-- name: live_storms
-- Numbers of the storms that are bad.
select id from incident where kind = 'storm' and state in ('open', 'taken') order by id;

-- name: list_latest_at
-- When something has happened last to some incidents.
select i.id, e.at from incident i join event e on e.incident_id = i.id and e.version = i.version
where i.id = any($1::bigint[]);

-- name: list_splits
-- Which members of some storms are incidents of their own now.
select incident_id, fingerprint, rule, entity, split_id from member
where incident_id = any($1::bigint[]) and state = 'split';

-- name: settle_members
-- Bad members that are good now, have another level, or are not watched any more.
update member m set
    state = n.state, severity = n.severity, failure_class = n.failure_class, value = n.value,
    value_limit = n.value_limit, fact = n.fact, detail = n.detail, first_good_at = n.first_good_at,
    reason = n.reason
from unnest(
    $1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[], $8::text[],
    $9::text[], $10::timestamptz[], $11::text[]
) as n (
    incident_id, fingerprint, state, severity, failure_class, value, value_limit, fact, detail,
    first_good_at, reason
)
where m.incident_id = n.incident_id and m.fingerprint = n.fingerprint and m.state = 'bad';

-- name: turn_bad_again
-- Members that are bad again in their storm; those that come back were members before.
update member m set
    state = 'bad', severity = n.severity, failure_class = n.failure_class, value = n.value,
    value_limit = n.value_limit, fact = n.fact, detail = n.detail, joined_at = n.joined_at,
    first_bad_at = n.first_bad_at, first_good_at = null, reason = '', split_id = null,
    identity = n.identity
from unnest(
    $2::bytea[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[], $8::text[], $9::text[],
    $10::timestamptz[], $11::timestamptz[]
) as n (
    fingerprint, identity, severity, failure_class, value, value_limit, fact, detail, joined_at,
    first_bad_at
)
where m.incident_id = $1 and m.fingerprint = n.fingerprint
returning m.fingerprint;

-- name: last_number
-- The number of a storm's latest member; 0 for none.
select coalesce(max(number), 0) from member where incident_id = $1;

-- name: update_member_figures
-- The latest value of bad members; no event, nothing is told.
update member m set value = n.value, value_limit = n.value_limit, fact = n.fact, detail = n.detail
from unnest($1::bigint[], $2::bytea[], $3::float8[], $4::float8[], $5::text[], $6::text[])
    as n (incident_id, fingerprint, value, value_limit, fact, detail)
where m.incident_id = n.incident_id and m.fingerprint = n.fingerprint and m.state = 'bad';

-- name: count_members
-- How many members of a storm are how, with the ends of their spans.
select state, severity, count(*) as number, min(first_bad_at) as first_bad_at,
    max(first_good_at) as first_good_at, max(reason) as reason
from member where incident_id = $1 group by state, severity;

-- name: name_members
-- The titles of bad members, the worst and first before others.
select title, severity, count(*) as number from member
where incident_id = $1 and state = 'bad'
group by title, severity
order by array_position(array['critical', 'warning', 'info'], severity), min(number)
limit $2;

-- name: first_member
-- The member that was there first.
select title, first_bad_at from member where incident_id = $1 order by number limit 1;

-- name: list_members
-- Members of a storm: bad ones before others, the worst before others.
select * from member where incident_id = $1
order by array_position(array['bad', 'split', 'good', 'gone'], state),
    array_position(array['critical', 'warning', 'info'], severity), number
limit $2 offset $3;

-- name: member_by_number
-- One member, by its place in the list.
select * from member where incident_id = $1 and number = $2;

-- name: member_by_name
-- One member, by what it is about.
select * from member where incident_id = $1 and fingerprint = $2;

-- name: split_member
-- Make a bad member an incident of its own.
update member set state = 'split', split_id = $3
where incident_id = $1 and fingerprint = $2 and state = 'bad';

-- name: list_bad_members
-- All members that are bad, to compare with the rules there are.
select m.* from member m where m.state = 'bad' order by m.incident_id, m.number;

-- name: list_joined_at
-- When some members joined their storms, or were bad again in them for the last time.
select m.incident_id, m.fingerprint, m.joined_at
from member m join unnest($1::bigint[], $2::bytea[]) as w (incident_id, fingerprint)
    on w.incident_id = m.incident_id and w.fingerprint = m.fingerprint;

-- name: list_ended_members
-- The latest storm in which each fingerprint was good again after an instant.
select distinct on (fingerprint) fingerprint, incident_id, failure_class, first_good_at
from member
where fingerprint = any($1::bytea[]) and state = 'good' and first_good_at >= $2
order by fingerprint, first_good_at desc;

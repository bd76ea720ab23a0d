-- name: next_numbers
-- Numbers for incidents about to be opened, in order.
select nextval('incident_number') as id from generate_series(1, $1::integer);

-- name: update_incidents
-- Move incidents one version on; a row that somebody else has moved meanwhile is left alone.
update incident i set
    version = n.version, state = n.state, owner = n.owner, severity = n.severity,
    failure_class = n.failure_class, offered_to = n.offered_to, bad_now = n.bad_now, fact = n.fact,
    detail = n.detail, value = n.value, value_limit = n.value_limit,
    audience = string_to_array(n.audience, E'\n'), taken_at = n.taken_at,
    recovered_at = n.recovered_at, resolved_at = n.resolved_at, first_good_at = n.first_good_at,
    cause = n.cause, cause_kind = n.cause_kind, rung = n.rung, paged_at = n.paged_at,
    acted_at = n.acted_at, due_at = n.due_at, risk = n.risk, prevention = n.prevention,
    prevention_words = n.prevention_words, prevention_owner = n.prevention_owner,
    prevention_due = n.prevention_due, prevention_done = n.prevention_done,
    silence = n.silence, silenced_until = n.silenced_until, waits_for = n.waits_for,
    missed = n.missed, snoozed_until = n.snoozed_until, reopened_at = n.reopened_at,
    noted_at = n.noted_at, reminded_at = n.reminded_at, unneeded = n.unneeded,
    unneeded_words = n.unneeded_words, storm_id = n.storm_id
from unnest(
    $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::boolean[], $9::text[], $10::text[], $11::float8[], $12::float8[], $13::text[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::text[],
    $19::text[], $20::integer[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[],
    $24::text[], $25::text[], $26::text[], $27::text[], $28::date[], $29::boolean[],
    $30::bigint[], $31::timestamptz[], $32::bigint[], $33::text[], $34::timestamptz[],
    $35::timestamptz[], $36::timestamptz[], $37::timestamptz[], $38::text[], $39::text[],
    $40::bigint[]
) as n (
    id, version, state, owner, severity, failure_class, offered_to, bad_now, fact, detail, value,
    value_limit, audience, taken_at, recovered_at, resolved_at, first_good_at, cause, cause_kind,
    rung, paged_at, acted_at, due_at, risk, prevention, prevention_words, prevention_owner,
    prevention_due, prevention_done, silence, silenced_until, waits_for, missed,
    snoozed_until, reopened_at, noted_at, reminded_at, unneeded, unneeded_words, storm_id
)
where i.id = n.id and i.version = n.version - 1
returning i.id;

-- name: update_figures
-- The latest value of incidents whose check is still bad, or good again; no event, nothing is told.
update incident i set
    value = n.value, value_limit = n.value_limit, fact = n.fact, detail = n.detail,
    bad_now = n.bad_now, last_looked_at = n.looked_at
from unnest(
    $1::bigint[], $2::float8[], $3::float8[], $4::text[], $5::text[], $6::boolean[],
    $7::timestamptz[]
) as n (id, value, value_limit, fact, detail, bad_now, looked_at)
where i.id = n.id and i.state in ('open', 'taken') and i.kind <> 'storm';

-- name: lock_by_id
-- Incidents about to be moved, locked in order so that two movers never wait for each other.
select * from incident where id = any($1::bigint[]) order by id for update;

-- name: lock_due
-- Incidents with which the service is to do something; what somebody works on at this instant waits.
select * from incident where due_at <= $1 order by due_at, id limit $2 for update skip locked;

-- name: due_ids
-- Numbers of incidents with which the service is to do something.
select id from incident where due_at <= $1 order by due_at, id limit $2;

-- name: awaiting_ids
-- Everything that is not over, and what has a preventive action that is not done.
select id from incident where state <> 'resolved'
union all
select id from incident where state = 'resolved' and prevention_owner <> '' and not prevention_done
order by id;

-- name: set_due
-- When the service does something with incidents, where that has changed.
update incident i set due_at = n.due_at
from unnest($1::bigint[], $2::timestamptz[]) as n (id, due_at)
where i.id = n.id and i.due_at is distinct from n.due_at;

-- name: lock_recovered
-- The latest recovered incident of each fingerprint, if it recovered after an instant; or the one that
-- was reopened by hand. Locked.
select i.* from incident i
where i.fingerprint = any($1::bytea[])
    and (
        (i.state in ('open', 'taken') and i.reopened_at is not null)
        or (
            i.state = 'recovered' and i.recovered_at >= $2
            and not exists (
                select from incident later
                where later.fingerprint = i.fingerprint
                    and (
                        (later.state = 'recovered' and later.recovered_at > i.recovered_at)
                        or (later.state in ('open', 'taken') and later.reopened_at is not null)
                    )
            )
        )
    )
order by i.id for update;

-- name: mark_missed
-- Whose pages do not reach them, where the incident is theirs and open; it is due at once.
with page as (
    select n.incident_id, m.owner, m.reason
    from unnest($1::bigint[], $2::text[], $3::text[]) as m (notification, owner, reason)
    join notification n on n.id = m.notification
), held as materialized (
    select id, owner from incident
    where id in (select incident_id from page) and state = 'open' and missed = ''
    order by id
    for no key update
)
update incident i set missed = p.reason, due_at = $4
from held h join page p on p.incident_id = h.id and p.owner = h.owner
where i.id = h.id;

-- name: list_ended
-- The latest incident of each fingerprint that recovered after an instant and has stayed so.
select distinct on (fingerprint) * from incident
where fingerprint = any($1::bytea[]) and recovered_at >= $2
order by fingerprint, recovered_at desc;

-- name: list_bad_since
-- When each of some incidents opened, or came back for the last time.
select incident_id, max(at) as at from event
where incident_id = any($1::bigint[]) and event in ('opened', 'back_again')
group by incident_id;

-- name: by_id
-- One incident.
select * from incident where id = $1;

-- name: list_unresolved
-- Everything that still needs somebody, what nobody has taken first, then the worst.
select * from incident where state <> 'resolved'
order by array_position(array['open', 'taken', 'recovered'], state),
    array_position(array['critical', 'warning', 'info'], severity), opened_at desc
limit $1;

-- name: list_all
-- Incidents by time of opening, newest first; null arguments match everything.
select * from incident
where ($1::timestamptz is null or opened_at >= $1)
    and ($2::text is null or rule = $2 or id in (select incident_id from member where rule = $2))
    and ($3::text is null or owner = $3)
    and ($4::boolean or state <> 'resolved')
order by opened_at desc, id desc
limit $5;

-- name: list_live_of_rules
-- Open and taken incidents, to compare with the rules there are.
select * from incident where state in ('open', 'taken') order by id;

-- name: list_actions
-- Incidents with a preventive action, the first due first; those that are done only if $1 says so.
select * from incident where prevention_owner <> '' and ($1 or not prevention_done)
order by prevention_done, prevention_due, id limit $2;

-- name: timeline
-- Events and delivery attempts of an incident, in order of time.
select at, what, actor, words, state, owner, receiver
from (
    select e.at, e.version, e.event as what, e.actor, e.words, e.state, e.owner, '' as receiver
    from event e where e.incident_id = $1
    union all
    select coalesce(a.ended_at, a.started_at), n.version,
        n.part || ' ' || coalesce(a.outcome, 'on its way'), 'watchdog',
        coalesce(nullif(a.error, ''), n.line), '', '', n.receiver
    from attempt a join notification n on n.id = a.notification_id where n.incident_id = $1
    union all
    select n.settled_at, n.version, n.part || ' withheld', 'watchdog', n.last_error, '', '', n.receiver
    from notification n where n.incident_id = $1 and n.state = 'withheld'
) as entry
order by at, version, receiver
limit 1000;

-- name: passed_since
-- The last event after a version ($2) by which an incident got another owner.
select event, at, actor, words
from (
    select event, at, actor, words, version, owner, lag(owner) over (order by version) as former
    from event where incident_id = $1 and version >= $2
) as moved
where owner <> former
order by version desc
limit 1;

-- name: state_at
-- The state that an incident had at a version.
select state from event where incident_id = $1 and version = $2;

-- name: evidence
-- What was stored with an incident when it opened.
select evidence from incident where id = $1;

-- name: announce
-- A hint for everybody who shows or sends things; polling stays the truth.
select pg_notify('watchdog', '');

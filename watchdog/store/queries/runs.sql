-- name: insert_run
-- The intent: what somebody asks for, before anything leaves.
insert into action_run (
    incident_id, number, rule, action, label, person, state, key, hypothesis, mitigation, two_people,
    asked_at, started_at, ends_by, what
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: update_run
-- What became of a run that waits or runs; nothing is returned if somebody else has ended it.
update action_run set
    state = $3, approved_by = $4, started_at = $5, ends_by = $6, ended_at = $7, words = $8, rows = $9
where incident_id = $1 and number = $2 and state in ('waiting', 'running')
returning number;

-- name: list_runs
-- Every run on an incident, the oldest first.
select * from action_run where incident_id = $1 order by number;

-- name: count_tries
-- How often a rule's action was tried since an instant, whatever came of it.
select count(*) from action_run
where rule = $1 and action = $2 and started_at > $3 and state in ('running', 'done', 'failed', 'unknown');

-- name: lock_rule
-- Let one ask at a time for an action whose runs are counted over all incidents of its rule.
select pg_advisory_xact_lock($1, hashtext($2));

-- name: list_overdue
-- Numbers of incidents with a run that waits or runs for longer than it may.
select distinct incident_id from action_run where state in ('waiting', 'running') and ends_by <= $1
order by incident_id limit $2;

-- name: find_stop
-- Who has stopped all actions, if they are stopped.
select person, words, stopped_at from action_stop where lifted_at is null;

-- name: insert_stop
-- Stop all actions; nothing is returned if they are stopped already.
insert into action_stop (person, words, stopped_at) values ($1, $2, $3)
on conflict ((true)) where lifted_at is null do nothing
returning number;

-- name: lift_stop
-- Let actions run again.
update action_stop set lifted_by = $1, lifted_at = $2 where lifted_at is null;

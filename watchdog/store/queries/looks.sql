-- name: list_looks
-- When each rule was last looked at, and what came of it.
select * from rule_look order by rule;

-- name: add_looks
-- Add a batch of counts and the latest outcome of each rule.
insert into rule_look as l (
    rule, looked_at, outcome, reason, ok, bad, no_data, error, missed, errors_in_a_row,
    error_of_source
)
select * from unnest(
    $1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::integer[], $11::boolean[]
)
on conflict (rule) do update set
    looked_at = coalesce(excluded.looked_at, l.looked_at), outcome = excluded.outcome,
    reason = excluded.reason, ok = l.ok + excluded.ok, bad = l.bad + excluded.bad,
    no_data = l.no_data + excluded.no_data, error = l.error + excluded.error,
    missed = l.missed + excluded.missed, errors_in_a_row = excluded.errors_in_a_row,
    error_of_source = excluded.error_of_source;

-- name: keep_looks
-- Forget rules that are no longer declared.
delete from rule_look where not (rule = any($1::text[]));

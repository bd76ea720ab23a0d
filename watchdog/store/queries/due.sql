-- name: what_is_due
-- Whether the service is to do something with an incident, to remind somebody of the end of a silence that hides something
-- bad, or to end a run of an action.
select
    exists (select from incident where due_at <= $1) as incidents,
    exists (
        select from silence s
        where s.ends_at > $1 and s.ends_at <= $1::timestamptz + $2::interval and s.reminded_at is null
            and s.made_at + $2::interval < s.ends_at
            and exists (
                select from incident i
                where i.silence = s.id and i.state in ('open', 'taken') and i.bad_now
            )
    ) as silences,
    exists (
        select from action_run where state in ('waiting', 'running') and ends_by <= $1
    ) as runs;

-- name: list_latest
-- Of each of these teams the latest hand-over that was told or noted.
select one.team, one.person, one.at
from unnest($1::text[]) wanted (team)
cross join lateral (
    select h.team, h.person, h.at from handover h where h.team = wanted.team order by h.at desc limit 1
) one;

-- name: list_unbriefed
-- Hand-overs whose person waits for what comes of tests that were made after an instant; is_tested: nothing of that is on its way any more.
select h.team, h.person, h.at, h.tested_by, r.asked_at as tested_at, not exists (
        select from notification n where n.report_run = h.tested_by and n.state in ('pending', 'sending')
    ) as is_tested
from handover h
join report_run r on r.id = h.tested_by
where h.tested_by is not null and h.briefed_by is null and r.asked_at > $1
order by h.at, h.team;

-- name: insert_handover
-- Say that a hand-over is told or noted; no row: it was before.
insert into handover (team, at, person) values ($1, $2, $3)
on conflict (team, at) do nothing
returning true;

-- name: set_told
-- By which messages a hand-over was told to its channel, and to ways of its person.
update handover set told_by = $3, tested_by = $4 where team = $1 and at = $2;

-- name: set_briefed
-- By which message its person was told; no row: that was done before.
update handover set briefed_by = $3 where team = $1 and at = $2 and briefed_by is null returning true;

-- name: show_tests
-- What came of the messages of a run; is_kept: they went no further than the built-in outbox.
select receiver, state, last_error, rendered is not null as is_kept from notification where report_run = $1 order by id;

-- name: list_live_of_team
-- What is open or taken of a team, the worst first and then the oldest, each with how many there are.
select id, title, severity, state, owner, opened_at, count(*) over () as total
from incident
where state in ('open', 'taken') and team = $1
order by array_position(array['critical', 'warning', 'info'], severity), opened_at, id
limit $2;

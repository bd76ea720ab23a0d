-- name: list_last_days
-- The latest day of each report that has one, sent or not.
select report, max(due_on) as due_on from report_run group by report;

-- name: insert_run
-- Say that a report is made for a day; no row: it was made before. Without facts, nothing is sent for it.
insert into report_run (report, due_on, due_at, asked_at, team, facts)
values ($1, $2, $3, $4, $5, $6)
on conflict (report, due_on) do nothing
returning id;

-- name: list_open_info
-- What is open of these rules with severity info, the oldest first.
select title, fact, opened_at from incident
where rule = any ($1) and severity = 'info' and state in ('open', 'taken')
order by opened_at, id
limit $2;

-- name: insert_sample
-- Keep a day's figures; the first ones of a day stay.
insert into report_sample (report, name, day, asked_at, figures)
values ($1, $2, $3, $4, $5)
on conflict (report, name, day) do nothing;

-- name: list_samples
-- What a report has kept under a name from one day to another, both of them included.
select day, asked_at, figures
from report_sample
where report = $1 and name = $2 and day between $3 and $4
order by day;

-- name: list_sampled_days
-- The latest day of which a report has kept figures, by report.
select report, max(day) as day from report_sample group by report;

-- name: insert_week
-- Say that a week is told, with what is told of it; what was said first stays.
insert into report_run (report, due_on, due_at, asked_at, team, facts)
values ($1, $2, $3, $4, $5, $6)
on conflict (report, due_on) do update set facts = coalesce(report_run.facts, excluded.facts)
returning id;

-- name: insert_subscriptions
-- Make readers known, each with a token of their own; those who are known keep theirs.
insert into subscription (report, receiver, token)
select $1, * from unnest($2::text[], $3::text[])
on conflict (report, receiver) do nothing;

-- name: insert_told
-- Say that these readers have a week, and return whom that is new for; those who have stopped it get nothing.
insert into report_told (report, due_on, receiver, told_at)
select s.report, $2, s.receiver, $4
from subscription s
where s.report = $1 and s.receiver = any($3::text[]) and s.stopped_at is null
on conflict (report, due_on, receiver) do nothing
returning receiver;

-- name: show_subscription
-- Whose link a token is of.
select report, receiver, stopped_at from subscription where token = $1;

-- name: stop_subscription
-- Stop the mails of a link; when they were stopped first stays.
update subscription set stopped_at = coalesce(stopped_at, $2) where token = $1
returning report, receiver, stopped_at;

-- name: start_subscription
-- Let the mails of a link come again.
update subscription set stopped_at = null where token = $1 returning report, receiver, stopped_at;

-- name: list_subscriptions
-- Every reader of a report that has had one, or has stopped it.
select report, receiver, token, stopped_at from subscription where report = $1 order by receiver limit $2;

-- name: list_last_days
-- The latest day of each report that has one, sent or not.
select report, max(due_on) as due_on from report_run group by report;

-- name: insert_run
-- Say that a report is made for a day; no row: it was made before. Without facts, nothing is sent for it.
insert into report_run (report, due_on, due_at, asked_at, team, facts)
values ($1, $2, $3, $4, $5, $6)
on conflict (report, due_on) do nothing
returning id;

-- name: insert_sample
-- Keep a day's figures; the first ones of a day stay.
insert into report_sample (report, name, day, asked_at, figures)
values ($1, $2, $3, $4, $5)
on conflict (report, name, day) do nothing;

-- name: list_samples
-- What a report has kept under a name from one day to another, both of them included.
select day, asked_at, figures::jsonb
from report_sample
where report = $1 and name = $2 and day between $3 and $4
order by day;

-- name: list_sampled_days
-- The latest day of which a report has kept figures, by report.
select report, max(day) as day from report_sample group by report;

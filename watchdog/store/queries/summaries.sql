-- name: list_live
-- What is open or taken and opened before an instant, the worst first and then the oldest.
select * from incident
where state in ('open', 'taken') and opened_at < $1
order by array_position(array['critical', 'warning', 'info'], severity), opened_at, id
limit $2;

-- name: count_live
-- How many are open or taken that opened before an instant.
select count(*) from incident where state in ('open', 'taken') and opened_at < $1;

-- name: count_undelivered
-- Pages that were given up in a span, by receiver, those with the most first.
select receiver, count(*) as pages
from notification
where state = 'dead' and part = 'page' and incident_id is not null and settled_at >= $1 and settled_at < $2
group by receiver
order by pages desc, receiver
limit $3;

-- name: list_fired
-- Which of these rules have had an incident that opened in a span.
select one as rule from unnest($1::text[]) one
where exists (select from incident i where i.rule = one and i.opened_at >= $2 and i.opened_at < $3);

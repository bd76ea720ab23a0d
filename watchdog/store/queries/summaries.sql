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
-- Pages that were given up in a span, by receiver, those with the most first. What went on by another road counts where
-- that one ended.
select n.receiver, count(*) as pages
from notification n
where n.state = 'dead' and n.part = 'page' and n.incident_id is not null
    and n.settled_at >= $1 and n.settled_at < $2
    and not exists (select from notification f where f.fallback_of = n.id)
group by n.receiver
order by pages desc, n.receiver;

-- name: list_fired
-- Which of these rules have had an incident that opened in a span.
select one as rule from unnest($1::text[]) one
where exists (select from incident i where i.rule = one and i.opened_at >= $2 and i.opened_at < $3);

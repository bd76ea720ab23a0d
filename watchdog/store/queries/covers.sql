-- name: list_covers
-- Covers that are not over at an instant, in order.
select id, team, person, starts_at, ends_at, made_by from cover where ends_at > $1 order by starts_at, id;

-- name: insert_cover
-- Keep a cover.
insert into cover (team, person, starts_at, ends_at, made_by, made_at)
values ($1, $2, $3, $4, $5, $6)
returning id;

-- name: end_cover
-- End a cover now, or take back one that has not begun; no row: there is none, or it is over.
with taken_back as (
    delete from cover where id = $1 and starts_at >= $2 returning *
), cut as (
    update cover set ends_at = $2 where id = $1 and starts_at < $2 and ends_at > $2 returning *
)
select id, team, person, starts_at, ends_at, made_by from taken_back
union all
select id, team, person, starts_at, ends_at, made_by from cut;

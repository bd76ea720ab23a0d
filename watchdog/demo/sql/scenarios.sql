-- name: forget_marks
-- What was noted when scenario $1 was played before.
delete from applied where id = $1::text or id like $1 || '/%'

-- name: read_marks
-- What scenario $1 has played, and whether it goes on.
select exists (select from broken where id = $1::text) as goes_on,
       array (select id from applied where id like $1 || '/%') as marks

-- name: break_failures
-- The failures $1 break.
insert into broken (id, broken_at)
select id, clock_timestamp() from unnest($1::text[]) as id on conflict do nothing

-- name: mend_failures
-- The failures $1 are mended, as far as they are broken.
delete from broken where id = any ($1::text[])

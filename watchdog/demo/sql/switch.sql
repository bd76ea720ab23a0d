-- name: read_broken
-- What somebody broke, the oldest first.
select id from broken order by broken_at, id

-- name: read_applied
-- What the world has already broken, and which acts were played.
select id, applied_at from applied

-- name: note_applied
-- The world has broken it.
insert into applied (id, applied_at) values ($1, $2)

-- name: forget_applied
-- The world has mended it; its acts may be played again.
delete from applied where id = $1 or id like $1 || '/%'

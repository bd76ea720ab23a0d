-- name: insert_link
-- Keep the hash of a fresh sign-in link, and drop what is over.
with gone as (delete from sign_in_link where expires_at < $2)
insert into sign_in_link (secret_hash, made_at, expires_at) values ($1, $2, $3);

-- name: find_link
-- When a sign-in link that has not been used ends.
select expires_at from sign_in_link where secret_hash = $1 and used_at is null and expires_at > $2;

-- name: use_link
-- Use up a sign-in link; no row: it was used, is over, or was never made.
update sign_in_link set used_at = $2
where secret_hash = $1 and used_at is null and expires_at > $2
returning made_at;

-- name: insert_session
-- Keep the hash of a fresh session, and drop what is over.
with gone as (delete from session where expires_at < $3)
insert into session (secret_hash, person, made_at, expires_at) values ($1, $2, $3, $4);

-- name: find_session
-- Whose a session is, while it lasts.
select person from session where secret_hash = $1 and expires_at > $2;

-- name: end_session
-- End a session now.
delete from session where secret_hash = $1;

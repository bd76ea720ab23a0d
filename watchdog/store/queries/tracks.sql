-- name: list_tracks
-- All that is remembered of bad entities.
select * from track;

-- name: delete_tracks
-- Forget entities of a rule that are good again, or about to be written anew.
delete from track where rule = $1 and fingerprint = any($2::bytea[]);

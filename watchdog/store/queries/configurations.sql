-- name: keep
-- Remember a good configuration as the newest one.
insert into configuration (digest, files, loaded_at) values ($1, $2, $3)
on conflict (digest) do update set loaded_at = excluded.loaded_at;

-- name: newest
-- The last configuration that was good.
select digest, files from configuration order by loaded_at desc limit 1;

-- name: keep
-- Remember a good configuration as the newest one, and forget all but some of the others.
with gone as (
    delete from configuration where digest <> $1 and digest not in (
        select digest from configuration where digest <> $1 order by loaded_at desc limit $4
    )
)
insert into configuration (digest, files, loaded_at) values ($1, $2, $3)
on conflict (digest) do update set loaded_at = excluded.loaded_at;

-- name: newest
-- The last configuration that was good.
select digest, files from configuration order by loaded_at desc limit 1;

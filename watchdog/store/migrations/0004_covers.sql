-- Who answers for a team for a while instead of its rotations. The previous release does not look here.

-- Ranges of names, for the constraint below: without an extension, GiST has equality of ranges only.
create type names as range (subtype = text, collation = "C");

create table cover (
    id bigint generated always as identity primary key,
    team text not null check (team ~ '\S'),
    person text not null check (person ~ '\S'),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    made_by text not null check (made_by ~ '\S'),
    made_at timestamptz not null,
    check (starts_at < ends_at),
    -- Never two: of one team, no two covers overlap.
    constraint cover_alone exclude using gist (
        names(team, team, '[]') with &&, tstzrange(starts_at, ends_at) with &&
    )
);

create index cover_ends on cover (ends_at);

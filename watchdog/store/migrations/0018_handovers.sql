-- Hand-overs of on-call that were told: each once, to the team's channel and to whoever follows.

create table handover (
    team text not null check (team ~ '\S'),
    at timestamptz not null,
    person text not null check (person ~ '\S'),
    -- Messages to the channel, to all but the first way of the person, and to that first way, which says what came of the
    -- others. Null: there is none, or not yet. A team that was not known before begins with a row that tells nobody.
    told_by bigint unique references report_run (id),
    tested_by bigint unique references report_run (id),
    briefed_by bigint unique references report_run (id),
    primary key (team, at)
);

create index handover_unbriefed on handover (at) where tested_by is not null and briefed_by is null;

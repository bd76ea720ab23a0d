-- The tables of background_sync, as its users named them. Times are ISO text.

create table integrations (
    id integer primary key,
    organization_id text not null,
    system_type text not null,
    is_active integer not null,
    interval_cron text not null,
    timezone text not null,
    last_sync_at text,
    consecutive_failures integer not null default 0,
    unique (organization_id, system_type)
);
create table sync_logs (
    id integer primary key,
    organization_id text not null,
    system_type text not null,
    status text not null check (status in ('success', 'failed')),
    records_processed integer not null,
    error text,
    duration_ms integer not null,
    synced_at text not null
);
create table flow_records (
    id integer primary key,
    organization_id text not null,
    source_system text not null,
    external_id text not null,
    updated_at text not null
);

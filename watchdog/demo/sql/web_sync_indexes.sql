create index sync_logs_by_organization on sync_logs (organization_id, system_type, synced_at);
create index sync_logs_by_time on sync_logs (synced_at);
create unique index flow_records_by_origin
    on flow_records (organization_id, source_system, external_id);

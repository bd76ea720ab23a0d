-- Checked once over all rows: row by row it would double the time of a first start.
alter table contacts add foreign key (workspace_id) references workspaces (id);
alter table issues add foreign key (repository_id) references repositories (id);
alter table daily_activity_metrics add foreign key (workspace_id) references workspaces (id);

create index on zendesk_sync_runs (started_at desc);
create index on zendesk_sync_runs (status, finished_at);
create index on zendesk_tickets (updated_at);
create index on servicetitan_sync_state (sync_status, updated_at);
create index on contacts (workspace_id, crm_id);
create index on contacts (updated_at);
create index on workspace_tracked_repositories (workspace_id);
create index on workspace_tracked_repositories (next_sync_at) where is_active;
create index on workspace_tracked_repositories (last_sync_status, sync_attempts);
create index on workspace_tracked_repositories (last_sync_at);
create index on issues (repository_id, created_at);
create index on workspace_issues_cache (expires_at);
analyze;

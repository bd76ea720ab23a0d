-- What recovery actions are run as: it may change what they change, and look at what that needs.
grant usage on schema public to demo_writer;
grant select on servicetitan_sync_state, workspace_tracked_repositories, tracked_repositories, repositories
    to demo_writer;
grant update (sync_status) on servicetitan_sync_state to demo_writer;
grant update (sync_attempts, next_sync_at) on workspace_tracked_repositories to demo_writer;

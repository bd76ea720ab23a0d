-- name: set_session
-- Prepare a fresh connection: where our tables are, and when the server is to give up. We ourselves give
-- up on a statement earlier; its time-out is for those whose connection is gone.
select
    set_config('search_path', 'watchdog', false),
    set_config('lock_timeout', '2s', false),
    set_config('statement_timeout', '30s', false),
    set_config('idle_in_transaction_session_timeout', '30s', false);

-- name: leave_mark
-- Leave a mark in this session, to be found by its next transaction.
select set_config('watchdog.mark', $1, false);

-- name: read_mark
-- Read the mark of this session, null where none was left.
select current_setting('watchdog.mark', true);

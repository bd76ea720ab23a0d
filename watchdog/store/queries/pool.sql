-- name: set_session
-- Prepare a fresh connection: where our tables are, and when to give up.
select
    set_config('search_path', 'watchdog', false),
    set_config('lock_timeout', '2s', false),
    set_config('statement_timeout', '10s', false),
    set_config('idle_in_transaction_session_timeout', '30s', false);

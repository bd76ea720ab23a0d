alter table support_messages add foreign key (thread_id) references support_threads (id);
create index on email_delivery_logs (status, created_at);
create index on email_delivery_logs (created_at);
create index on email_delivery_logs (idempotency_key);
create index on support_messages (thread_id);
create index on support_tokens (expires_at);
analyze;

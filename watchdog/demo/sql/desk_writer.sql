-- What recovery actions are run as: it may put mails into another state, and look at them.
grant usage on schema public to demo_writer;
grant select, update (status) on email_delivery_logs to demo_writer;

-- Since when a message has been due that has been tried before: `due_at` is when it is tried next. Null where it was not
-- tried yet, and where only the previous release has tried it.

alter table notification add column first_due_at timestamptz;

create index notification_fallback on notification (fallback_of) where fallback_of is not null;

-- What is to ring one person's phone: a page, or a line below one. In a channel a line rings nobody's.
create function is_push(part text, receiver text) returns boolean language sql immutable
return part = 'page' or (part = 'thread' and receiver like 'slack:@%');

-- Whether somebody has heard or may yet hear by a message: it arrived, or is on its way since less long than from that instant.
create function is_hopeful(message notification, stuck_since timestamptz) returns boolean language sql immutable
return message.state in ('sent', 'superseded')
    or (message.state in ('pending', 'sending') and coalesce(message.first_due_at, message.due_at) > stuck_since);

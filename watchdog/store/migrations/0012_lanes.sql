-- How fast messages go out: a lane for each receiver, or for all of a channel that end in one place, and one for the edits of
-- a whole channel, as Slack counts them.
-- Shared by all replicas. The previous release sends without looking here, and is told to wait by the receiver as before.

create table lane (
    name text primary key,
    -- As far as its messages have used up what the receiver takes, counted at its steady pace.
    booked_until timestamptz not null,
    -- When the next message may go: earlier than `booked_until` where a burst is allowed.
    free_at timestamptz not null,
    -- When that was written.
    booked_at timestamptz not null
);

-- Whether a booking counts: one that is dated after now was made before somebody put the clock back. Replicas may be some
-- seconds apart.
create function is_binding(booking lane, at timestamptz) returns boolean language sql stable
return booking.booked_at <= at + interval '5 seconds';

-- An edit without a message to edit is none: it is posted.
create function lane_of(receiver text, is_edit boolean, to_one_place text[]) returns text language sql immutable
return case
    when is_edit then split_part(receiver, ':', 1) || ':edits'
    when split_part(receiver, ':', 1) = any(to_one_place) then split_part(receiver, ':', 1) || ':all'
    else receiver
end;

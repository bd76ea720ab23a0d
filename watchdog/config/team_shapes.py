"""What `people:` and `teams:` may hold, as the file writes them."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rules.fields import Duration, PositiveDuration
from watchdog.config.shapes import Announced, Shape
from watchdog.config.turns import FirstDay, HandoverTime, TurnLength
from watchdog.config.types import ChannelName, Email, Hours, Member, Text, Zone
from watchdog.domain.people import WEEKLY, Role

RUNGS_MAX = 10


class PersonShape(Shape):
    """Somebody who can own an incident."""

    email: Email | None = Field(default=None, description="Mail address.")
    slack: Member | None = Field(default=None, description="Member id in Slack, such as `U01ANA`.")
    timezone: Zone | None = Field(default=None, description="Zone in which times are shown.")
    role: Role = Field(default=Role.RESPONDER, description="What the person may do.")


class LayerShape(Shape):
    """People who are on call in turn, always or in some hours."""

    rotate: TurnLength = Field(
        default=WEEKLY, description="How long a turn lasts, by the team's wall clock."
    )
    handover: HandoverTime | None = Field(
        default=None, description="When turns begin: with a day for weeks and months."
    )
    since: FirstDay | None = Field(
        default=None,
        alias="from",
        description="With the first hand-over on this day or later, the first of `order` begins.",
    )
    hours: Hours | None = Field(
        default=None, description="When they are on call: `mon-fri 08:00-18:00`; always by default."
    )
    order: tuple[Text, ...] = Field(min_length=1, description="People, one after the other.")


class OncallShape(LayerShape):
    """Who is on call: one rotation, or several over each other."""

    order: tuple[Text, ...] = Field(
        default=(), min_length=1, description="People, one after the other."
    )
    layers: tuple[LayerShape, ...] = Field(
        default=(),
        description="Instead: rotations over each other; the first whose hours it is decides.",
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "OncallShape":
        if not self.order and not self.layers:
            hint = {"hint": "name the people in `order`, or rotations in `layers`"}
            raise PydanticCustomError("one_of", "needs `order` or `layers`", hint)
        if self.layers and self.model_fields_set != {"layers"}:
            hint = {"hint": "write what stands beside it into a layer"}
            raise PydanticCustomError("one_of", "has `layers` and a rotation beside them", hint)
        return self


class RungShape(Shape):
    """A rung of an escalation."""

    after: Duration = Field(description="How long after the first page: `10m`.")
    to: Text = Field(description="`oncall`, `oncall_next`, `lead`, or a person.")


class TeamShape(Shape):
    """Owners of rules."""

    lead: Text = Field(description="Person who answers when no rotation covers the hour.")
    slack: ChannelName | None = Field(default=None, description="Channel, without the hash.")
    email: Email | None = Field(default=None, description="Mail address of all.")
    timezone: Zone | None = Field(default=None, description="Zone of its hours and hand-overs.")
    working_hours: Hours | None = Field(
        default=None, description="`mon-fri 09:00-18:00`, or `always`."
    )
    oncall: OncallShape | None = Field(
        default=None, description="Rotations; without them the lead answers."
    )
    escalate: Annotated[tuple[RungShape, ...], Field(max_length=RUNGS_MAX)] = Field(
        default=(), description="Who becomes owner of what nobody takes, in their order."
    )
    take_lasts: PositiveDuration = Field(
        default=timedelta(minutes=30),
        description="A critical incident counts as not taken after so long without a sign of life.",
    )
    shift_messages: bool = Field(
        default=True, description="Each hand-over is told to its channel and to who follows."
    )
    maintenance: Announced = Field(
        default=(), description="When trouble of its rules and sources is expected."
    )

"""Types of settings that one function reads."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class ParsedBy:
    """How a value is read: `Annotated[int, ParsedBy(parse_size, {"type": "string"})]`.

    It is what `PlainValidator` and `WithJsonSchema` say together. They would also ask twice how
    the type is written out and look at the function's signature, for every field of every model,
    which takes 4 ms for all of them.
    """

    def __init__(self, function: Callable[[Any], Any], looks: Mapping[str, Any]) -> None:
        """Keep the function, which raises what is wrong, and the JSON schema of what it takes."""
        self.function = function
        self.looks = looks

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.function)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.looks)

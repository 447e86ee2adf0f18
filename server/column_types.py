"""The column types of our own: JSON that loses nothing, and keys."""

import json
from typing import Any, NewType

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

Json = NewType("Json", object)
"""Whatever JSON can say. JSON's `null` is stored as NULL."""

ByteCount = NewType("ByteCount", int)
"""A size in bytes: more than GraphQL's 32-bit Int can say."""

KEY_TYPE = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid must be an INTEGER


def dump_json(value: object) -> str:
    """Return a value as compact JSON; ValueError for what JSON cannot say."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class JsonType(TypeDecorator[Any]):
    """JSONB in PostgreSQL, text in SQLite.

    Not SQLAlchemy's own JSON: SQLite gives a column declared JSON numeric affinity, and then
    rounds a large integer that is a JSON document of its own.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        if value is None or dialect.name == "postgresql":
            return value
        return dump_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        if value is None or dialect.name == "postgresql":
            return value
        return json.loads(value)


JSON_TYPE = JsonType()


class JsonTextType(JsonType):
    """Text everywhere: JSON just as it came, U+0000 and all, which JSONB would refuse."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        return dump_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(value)

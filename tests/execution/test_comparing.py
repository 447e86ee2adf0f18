"""The suite notices what it is there for: executors that are wrong, each in one way."""

from typing import Any, ClassVar

import pytest
from graphql import GraphQLLeafType, GraphQLNonNull
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext as Plain

from tests.execution.cases import CASES
from tests.execution.executors import Executor, Pair
from tests.execution.test_spec_cases import differences

pytestmark = pytest.mark.anyio


class Remembering(Plain):
    """Plans once for a document, whatever the variables say."""

    plans: ClassVar[dict[int, Any]] = {}

    def collect_subfields(self, return_type: Any, field_details_list: Any) -> Any:
        key = id(field_details_list[0].node)
        if key not in self.plans:
            found = super().collect_subfields(return_type, field_details_list)
            self.plans[key] = (found, field_details_list)  # which keeps the id taken
        return self.plans[key][0]


class Shuffling(Plain):
    """Answers fields in an order of its own."""

    def execute_fields(self, parent: Any, source: Any, path: Any, fields: Any, context: Any) -> Any:
        turned = dict(reversed(fields.items()))
        return super().execute_fields(parent, source, path, turned, context)


class Trusting(Plain):
    """Takes leaves as they come."""

    @staticmethod
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        return result


class Forgiving(Plain):
    """Lets a null stand where there must be a value."""

    def complete_value(self, return_type: Any, *rest: Any) -> Any:
        nullable = return_type.of_type if isinstance(return_type, GraphQLNonNull) else return_type
        return super().complete_value(nullable, *rest)


class Hasty(Plain):
    """Runs mutations side by side."""

    def execute_fields_serially(self, *given: Any) -> Any:
        return super().execute_fields(*given)


class Blaming(Plain):
    """Says of no error where in the document it arose."""

    def handle_field_error(self, error: Exception, return_type: Any, nodes: Any, path: Any) -> Any:
        return super().handle_field_error(error, return_type, nodes[:0], path)


WRONG: list[Executor] = [Remembering, Shuffling, Trusting, Forgiving, Hasty, Blaming]


@pytest.mark.parametrize("executor", WRONG)
async def test_a_wrong_executor_is_noticed(executor: Executor) -> None:
    pair = Pair.of("plain", executor)
    for case in CASES.values():
        if await differences(pair, case):
            return
    pytest.fail("no case tells it from the right one")

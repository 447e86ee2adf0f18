"""Small cells: nothing that is shown, or follows from it, is of too few people."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from server.export.small_cells import Cells, publishable

LEAST = 3

Records = Sequence[tuple[int, tuple[int, ...]]]
"""Of each record, whose it is, and its group in each breakdown."""

RECORDS = st.integers(1, 3).flatmap(
    lambda ways: st.lists(
        st.tuples(st.integers(0, 7), st.tuples(*(st.integers(0, 3) for _ in range(ways)))),
        max_size=60,
    )
)
PEOPLE_APART = [(person, (person % 2, person // 4)) for person in range(8)]


def cells_of(records: Records) -> Cells:
    ways = len(records[0][1]) if records else 1
    return Cells(
        np.array([person for person, _ in records], np.int64),
        [np.array([groups[way] for _, groups in records], np.int64) for way in range(ways)],
        np.ones(len(records), np.int64),
    )


def is_safe(records: Records) -> bool:
    """Tell whether records are of enough people, and not half of them of one alone."""
    people = [person for person, _ in records]
    return len(set(people)) >= LEAST and all(2 * people.count(p) <= len(people) for p in people)


def parts(records: Records, way: int, groups: frozenset[int]) -> Iterator[Records]:
    """Yield the records of each group that is shown, and of all groups that are not."""
    for group in groups:
        yield [record for record in records if record[1][way] == group]
    yield [record for record in records if record[1][way] not in groups]


@given(RECORDS)
@example([(person, (0,)) for person in range(LEAST)])
@example([(person, (person // 4,)) for person in range(6)])
def test_no_group_and_no_difference_is_of_too_few(records: Records) -> None:
    shown = publishable(cells_of(records), LEAST)
    if shown is None:
        assert not is_safe(records)
        return
    assert is_safe(records)
    for way, groups in enumerate(shown):
        assert all(is_safe(part) for part in parts(records, way, groups) if part)
        for count in range(1, len(groups) + 1):
            for some in combinations(groups, count):  # the total less some of the groups
                left = [record for record in records if record[1][way] not in some]
                assert not left or is_safe(left)


@given(RECORDS)
@example(PEOPLE_APART)
def test_nor_is_any_sum_or_difference_across_breakdowns(records: Records) -> None:
    """Add and subtract the figures of all groups: what does not cancel out is of enough people."""
    shown = publishable(cells_of(records), LEAST)
    figures = [[True] * len(records)] if shown else []
    for way, groups in enumerate(shown or ()):
        figures += [[record[1][way] == group for record in records] for group in sorted(groups)]
    for factors in product((-1, 0, 1), repeat=min(len(figures), 7)):
        sums = np.array(factors) @ np.array(figures[:7], int).reshape(len(factors), len(records))
        told = [record for record, factor in zip(records, sums, strict=True) if factor]
        assert not told or is_safe(told)


@given(RECORDS)
def test_a_later_breakdown_takes_nothing_from_an_earlier_one(records: Records) -> None:
    whole = cells_of(records)
    first = Cells(whole.people, whole.groups[:1], whole.records)
    shown, alone = publishable(whole, LEAST), publishable(first, LEAST)
    assert (shown and shown[:1]) == alone


@given(RECORDS, st.lists(st.frozensets(st.integers(0, 3)), min_size=3, max_size=3))
def test_only_what_is_allowed_is_shown(records: Records, allowed: list[frozenset[int]]) -> None:
    shown = publishable(cells_of(records), LEAST, allowed)
    for way, groups in enumerate(shown or ()):
        assert groups <= allowed[way]
        assert all(is_safe(part) for part in parts(records, way, groups) if part)


def test_whoever_is_alone_in_being_left_out_takes_the_next_smallest_along() -> None:
    sizes = {0: 6, 1: 1, 2: 3, 3: 4}
    people = iter(range(100))
    records = [(next(people), (group,)) for group, size in sizes.items() for _ in range(size)]

    assert publishable(cells_of(records), LEAST) == [frozenset({0, 3})]


def test_who_is_in_several_groups_counts_once() -> None:
    records = [(person, (group,)) for group in range(4) for person in (1, 2)]
    assert publishable(cells_of(records), LEAST) is None


def test_a_group_that_is_mostly_one_persons_is_left_out() -> None:
    own = [(0, (0,))] * 5 + [(person, (0,)) for person in range(1, 5)]
    others = [(person, (1,)) for person in range(5, 9)] + [(9, (2,)), (10, (2,)), (11, (2,))]

    assert publishable(cells_of(own), LEAST) is None
    assert publishable(cells_of(own + others), LEAST) == [frozenset({1})]


def test_rooms_and_components_that_overlap_are_not_both_shown() -> None:
    """Six did component 0, in room 0 but for two: less room 0 it would be of these two."""
    in_room = [(person, (0, 0)) for person in range(4)]
    elsewhere = [(person, (0, 1)) for person in (4, 5)]
    others = [(person, (1, 1)) for person in range(6, 12)]

    shown = publishable(cells_of(in_room + elsewhere + others), LEAST)
    assert shown == [frozenset({0, 1}), frozenset()]

"""Documents, and the variables to send with each: what the spec asks of an executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.execution.failures import RAISED, RETURNED
from tests.execution.values import PETS

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A document, the variables of the requests that follow one another, what is to be run."""

    document: str
    variables: Sequence[Variables | None] = (None,)
    operation: str | None = None


def flags(*names: str) -> list[Variables]:
    """Return every way to set some variables to true and false."""
    sets: list[dict[str, Any]] = [{}]
    for name in names:
        sets = [{**each, name: value} for each in sets for value in (True, False)]
    return list(sets)


BOTH = "query($a: Boolean!, $b: Boolean = false)"
HOW = [{"how": how} for how in (*RAISED, *RETURNED)]

CASES: Mapping[str, Case] = {
    # names and fields
    "the same field by other names": Case(
        "{ leaf { a: text b: text text c: otherName } l: leaf { text } leaf { whole } }"
    ),
    "the same field with other arguments": Case(
        """{ leaf { said a: said(times: 2) b: said(times: 3, words: ["x", "y"])
        c: said(how: LARGE) }
        a: echo b: echo(text: null) c: echo(text: "", numbers: [1, null], size: SMALL, real: 1) }"""
    ),
    "selections that merge": Case(
        "{ box { leaf { text } leaf { whole } ...F } box { maybe { text } ...F } } "
        "fragment F on Box { leaf { text real } maybe { whole } box { leaf { text } } }"
    ),
    "the order of keys when selections merge": Case(
        "{ leaf { whole ...F text } ...G leaf { ident } } "
        "fragment F on Leaf { text real whole } fragment G on Query { echo leaf { flag } }"
    ),
    "an alias that is another field's name": Case("{ leaf { text: ident ident: text x: whole } }"),
    "__typename everywhere": Case(
        """{ __typename a: __typename box { __typename leaf { __typename t: __typename }
        leaves { __typename } maybeRows { __typename } named { __typename } pets { __typename }
        known { __typename } connection { __typename edges { __typename node { __typename } }
        pageInfo { __typename } } } edge { __typename node { __typename } } }"""
    ),
    "introspection beside data": Case(
        """{ leaf { text } __schema { queryType { name } mutationType { name fields { name } } }
        __type(name: "Leaf") { kind fields { name type { kind name ofType { name } } } }
        none: __type(name: "Nothing") { name } }"""
    ),
    "deep nesting": Case(
        "{ box(deep: 6) " + "{ leaf { text } box " * 7 + "{ pet { __typename } }" + " }" * 7 + " }"
    ),
    "a chain of resolvers": Case("{ leaf " + "{ child " * 20 + "{ text }" + " }" * 20 + " }"),
    # fragments
    "nested fragments": Case(
        "{ box { ...A } } fragment A on Box { ...B leaf { ...C } } fragment B on Box "
        "{ maybe { ...C ...D } } fragment C on Leaf { text ...D } fragment D on Leaf { whole }"
    ),
    "inline fragments without a type": Case("{ ... { leaf { ... { text ... { whole } } } } echo }"),
    "fragments on interfaces": Case(
        """{ box { named { ...N } pets { ...N } cats { ...N lives } known { ...N ...K } } }
        fragment N on Named { name __typename ... on Cat { lives } ... on Dog { barks tricks }
        ... on Known { id } } fragment K on Known { id ... on Tree { height }
        ... on Stone { weight }
        ... on Named { n: name } }"""
    ),
    "fragments on unions": Case(
        """{ pet { ...P } dog: pet(which: "dog") { ...P } edge { node { ...P } } box { pets { ...P
        ... on Dog { again: tricks(count: 2) } } maybePets { ...P } } }
        fragment P on Pet { __typename ... on Cat { name lives } ... on Dog { name tricks } }"""
    ),
    "the same name for other fields of other types": Case(
        """{ box { pets { ... on Cat { x: name } ... on Dog { x: __typename y: barks } } known {
        ... on Tree { x: name z: __typename } ... on Stone { x: __typename z: id } } } }"""
    ),
    "a fragment used twice in one place": Case(
        "{ leaf { ...F ...F } ...G ...G } fragment F on Leaf { text } fragment G on Query { echo }"
    ),
    "a fragment that never applies": Case(
        "{ pet { ... on Dog { barks } } box { cats { ... on Named { ... on Cat { lives } } } } }"
    ),
    "what stands for an abstract type": Case(
        "query($t: String!, $w: Int) { known(asType: $t, weight: $w) { __typename id "
        "... on Stone { weight } ... on Tree { height name } } }",
        [{"t": t, "w": w} for t in ("Stone", "Tree", "Cat", "Nothing") for w in (1, None)],
    ),
    "what stands for a union": Case(
        "query($w: String!) { pet(which: $w) { __typename ... on Named { name } } "
        "a: pet(which: $w) { ... on Cat { lives } } echo }",
        [{"w": which} for which in (*PETS, "raise")],
    ),
    # directives
    "skip and include, written out": Case(
        "{ leaf { text @skip(if: true) whole @include(if: true) real @include(if: false) "
        "flag @skip(if: false) ident @skip(if: true) @include(if: true) "
        "size @skip(if: false) @include(if: false) } echo @skip(if: true) }"
    ),
    "skip and include by variables": Case(
        BOTH + "{ leaf { text @skip(if: $a) whole @include(if: $b) ...F @include(if: $a) "
        "... @skip(if: $b) { real said } ... on Leaf @include(if: $b) { saidLater } } "
        "box @skip(if: $b) { leaves { text whole @include(if: $a) } } } "
        "fragment F on Leaf { flag ident @skip(if: $b) child @include(if: $b) { text } }",
        [*flags("a", "b"), {"a": True}, {"a": False}, {}, {"a": None}, {"a": "yes"}],
    ),
    "skipped here, included there": Case(
        BOTH
        + "{ leaf { text @include(if: $a) } leaf { text @include(if: $b) whole @skip(if: $a) } "
        "box { leaf { text } leaf @include(if: $a) { whole } ...F @skip(if: $b) } } "
        "fragment F on Box { leaf { real } maybe { text @skip(if: $a) } }",
        flags("a", "b"),
    ),
    "everything skipped": Case(
        "query($a: Boolean!) { leaf { text @skip(if: $a) } box { leaf @skip(if: $a) { text } "
        "leaves { text @skip(if: $a) } pets { ... @skip(if: $a) { __typename } } } }",
        flags("a"),
    ),
    "what fails may be skipped": Case(
        "query($a: Boolean!) { maybe { text must @skip(if: $a) } box { connection(broken: true) "
        "@include(if: $a) { totalCount } leaf { text } } }",
        flags("a"),
    ),
    "the condition of another alias": Case(
        "query($a: Boolean!) { x: leaf { text @include(if: $a) } y: leaf { text @skip(if: $a) } }",
        flags("a"),
    ),
    "an unknown directive": Case("{ leaf { text @mystery } echo @mystery(of: 1) }"),
    "a directive in the wrong place": Case("query @skip(if: true) { leaf { text } }"),
    "deprecated on a field": Case("{ leaf { text @deprecated } }"),
    # variables
    "variables given, null and left out": Case(
        "query($t: String, $n: [Int], $s: Size! = SMALL, $r: Float = 0.5) "
        "{ echo(text: $t, numbers: $n, size: $s, real: $r) }",
        [
            {},
            {"t": "x"},
            {"t": None},
            {"n": []},
            {"n": None},
            {"n": [1, None]},
            {"n": 3},
            {"s": "LARGE"},
            {"s": None},
            {"s": "HUGE"},
            {"r": None},
            {"r": 2},
            {"r": "2"},
            {"t": 5},
            {"unknown": 1},
        ],
    ),
    "variables inside lists and objects": Case(
        "query($n: Int, $w: String!) { echo(numbers: [1, $n, null]) "
        "leaf { said(words: [$w, $w]) a: said(words: [$w], times: 2) } }",
        [{"w": "x"}, {"w": "y", "n": 2}, {"w": "", "n": None}, {"n": 1}],
    ),
    "a variable of the wrong type": Case(
        "query($n: Int) { leaf { said(words: [$n]) } }", [{"n": 1}]
    ),
    "a null for an argument that cannot be": Case(
        "query($n: Int) { leaf { said(times: $n) } }", [{}, {"n": 2}, {"n": None}]
    ),
    "an argument that is not there": Case("{ leaf { said(loudly: true) } }"),
    # failing
    "a field fails": Case("query($how: String!) { maybe { text fails(how: $how) whole } }", HOW),
    "a must fails": Case("query($how: String!) { maybe { text must(how: $how) whole } echo }", HOW),
    "a field fails later": Case(
        "query($how: String!) { maybe { text failsLater(how: $how) whole saidLater } }", HOW
    ),
    "a must fails later": Case(
        "query($how: String!) { maybe { text mustLater(how: $how) saidLater } echo }", HOW
    ),
    "a must fails in every item": Case(
        "query($how: String!) { box { maybeLeaves { ident must(how: $how) } } echo }", HOW
    ),
    "a must fails within what must be": Case(
        "query($how: String!) { box { box { leaves { child { ident } must(how: $how) } } } echo }",
        HOW,
    ),
    "a must fails up to the top": Case(
        "query($how: String!) { echo leaf { text must(how: $how) } }", HOW
    ),
    "a must fails later up to the top": Case(
        "query($how: String!) { echo leaf { text mustLater(how: $how) } }", HOW
    ),
    "many fail": Case(
        """{ a: maybe { fails b: fails(how: "expected") c: failsLater } maybe { must } box {
        maybeLeaves { fails must } connection(broken: true) { totalCount } } echo }"""
    ),
    "the same failure in two places": Case(
        "{ maybe { ...F } box { maybe { ...F } leaves { ...F } } } fragment F on Leaf { fails }"
    ),
    "failures on many lines": Case(
        "{\n  maybe {\n    fails\n    x: fails\n    fails\n  }\n  ...F\n}\n"
        "fragment F on Query {\n  maybe {\n    fails\n  }\n}"
    ),
    "refused, asked nicely": Case(
        """{ leaf { a: forbidden } maybe { needed } l: leaf { asked(word: "please") }
        m: maybe { asked } n: maybe { x: asked(word: "now") text } }"""
    ),
    "an empty page, and a broken one": Case(
        """{ box { connection(empty: true) { edges { cursor node { text } } nodes { text }
        totalCount pageInfo { endCursor hasNextPage } } }
        b: box { text: connection(broken: true) { totalCount } }
        pages(first: 0) { nodes { text } pageInfo { endCursor } } mixed(kinds: []) { text } }"""
    ),
    # operations
    "several operations": Case(
        "query A { leaf { text } } query B { leaf { whole } } "
        "mutation C { add(number: 1) { total } }",
        operation="B",
    ),
    "an operation that is not there": Case("query A { echo }", operation="B"),
    "mutations, one after the other": Case(
        """mutation { a: add(number: 1, slowly: 5) { total log } b: add(number: 2) { total log }
        c: refuse { total } d: addSum(given: { number: 2, times: 3 }) { total log error }
        e: add(number: 4, slowly: 2) { total log __typename } }"""
    ),
    "a mutation that ends all": Case(
        "mutation { add(number: 1) { total } refuseAll { total } b: add(number: 2) { total } }"
    ),
    "mutations with variables": Case(
        "mutation($n: Int!, $s: Sum!, $a: Boolean! = true) { add(number: $n) { "
        "total @include(if: $a) log } addSum(given: $s) { total log @skip(if: $a) } ...F } "
        "fragment F on Mutation { x: addSum(given: { number: $n, note: null }) { log } "
        "refuse @skip(if: $a) { total } }",
        [
            {"n": 1, "s": {"number": 2}},
            {"n": 2, "s": {"number": 3, "times": 4, "note": "x"}, "a": False},
            {"n": 1, "s": {"number": "x"}},
            {"n": 1, "s": {"number": 1, "more": 1}},
        ],
    ),
    # requests that cannot be executed
    "no such field": Case("{ leaf { nothing } nothing }"),
    "no selection of an object": Case("{ leaf }"),
    "a selection of a scalar": Case("{ leaf { text { more } } }"),
    "not a document": Case("{ leaf { text }"),
    "fields that cannot merge": Case("{ leaf { a: text a: whole } }"),
    "a fragment within itself": Case("{ leaf { ...F } } fragment F on Leaf { text ...F }"),
    "comments, commas and a byte order mark": Case(
        "\ufeff# first\n{ leaf {,,text # x\n, whole } }"
    ),
    "block texts and escapes": Case(
        '{ echo(text: """\n  a\n    b "\\"""\n""") b: echo(text: "\\u00e9\\n") }'
    ),
}

"""Selections around one value, `$kind`, to be made of every value there is."""

from collections.abc import Mapping

SCALARS = """ident maybeIdent text maybeText whole maybeWhole real maybeReal flag maybeFlag colour
  maybeColour size when maybeWhen day clock key amount json maybeJson money maybeMoney texts
  maybeWholes maybeTexts grid maybeGrid colours otherName __typename"""
NULLABLE = """maybeIdent maybeText maybeWhole maybeReal maybeFlag maybeColour maybeWhen maybeJson
  maybeMoney maybeTexts maybeGrid"""
EACH = " ".join(f"f{n}: maybe(kind: $kind) {{ {f} }}" for n, f in enumerate(SCALARS.split()))
EACH_ITEM = " ".join(
    f"{f}: box(kind: $kind) {{ leaves {{ {f} }} }}" for f in ("text", "maybeText", "whole", "texts")
)

SHAPES: Mapping[str, str] = {
    "must": f"{{ leaf(kind: $kind) {{ {SCALARS} }} }}",
    "maybe": f"{{ maybe(kind: $kind) {{ {SCALARS} }} }}",
    "later": f"{{ maybeLater(kind: $kind) {{ {SCALARS} }} }}",
    "each field alone": f"{{ {EACH} }}",
    "nullable fields": f"{{ maybe(kind: $kind) {{ {NULLABLE} }} }}",
    "names only": "{ leaf(kind: $kind) { __typename } maybe(kind: $kind) { a: __typename } }",
    "beside resolvers": """{ maybe(kind: $kind) { text said(times: 2) a: saidLater
      b: saidLater(times: 3) child { text child { maybeText } } fails } }""",
    "beside resolvers that fail": """{ maybe(kind: $kind) { maybeText failsLater(how: "expected")
      forbidden loud doubled } other: maybe { text } }""",
    "beside a must that fails": """{ maybe(kind: $kind) { maybeText must }
      other: maybe { text } }""",
    "beside a must that fails later": """{ maybe(kind: $kind) { maybeText mustLater }
      other: maybe { text } }""",
    "only refused": "{ maybe(kind: $kind) { needed maybeText } }",
    "in lists": f"{{ box(kind: $kind) {{ leaves {{ {SCALARS} }} }} }}",
    "in lists with nulls": f"""{{ box(kind: $kind) {{ maybeLeaves {{ {SCALARS} }}
      someLeaves {{ text maybeWhole }} }} }}""",
    "in lists, each alone": f"{{ {EACH_ITEM} }}",
    "in lists of lists": """{ a: box(kind: $kind) { rows { text } }
      b: box(kind: $kind) { maybeRows { text } }
      c: box(kind: $kind) { maybeRows { maybeWhole } } }""",
    "nested": """{ box(kind: $kind) { leaf { maybeText } box { maybe { text }
      box { leaf { text } } } }
      boxLater(kind: $kind) { maybe { whole } boxLater { maybe { real } } } }""",
    "propagated from far": """{ a: box(kind: $kind) { box { leaf { text } } leaf { ident } }
      b: box(kind: $kind) { box { someLeaves { whole } } pet { __typename } }
      c: boxLater(kind: $kind) { box { maybe { text } } } }""",
    "propagated to the top": "{ a: maybe { ident } boxLater(kind: $kind) { leaf { text whole } } }",
    "abstract": """{ box(kind: $kind) { known { __typename id ... on Tree { height name }
      ... on Stone { weight } } cats { name lives } pets { ... on Named { name } }
      maybePets { __typename } } }""",
    "connections": """{ pages(kind: $kind) { totalCount edges { cursor node { ident text } }
      nodes { maybeText } pageInfo { hasNextPage endCursor } }
      box(kind: $kind) { connection(first: 4) { edges { node { text } } totalCount } } }""",
    "streams": "{ streamed(kind: $kind) { text maybeWhole } generated { ident } }",
    "classes side by side": """{ mixed(kinds: ["good", $kind, "bare", $kind]) { text maybeText }
      other: mixed(kinds: [$kind, "good"]) { text whole } }""",
    "must, side by side": '{ maybe { ident } mustMixed(kinds: ["bare", "good", $kind]) { text } }',
    "through fragments": """{ box(kind: $kind) { ...B } } fragment B on Box { maybe { ...L text }
      maybeLeaves { ...L } ... { leaf { ... on Leaf { ...L } } } } fragment L on Leaf { text
      maybeText child { maybeWhole } }""",
}

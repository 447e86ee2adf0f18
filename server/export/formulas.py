"""Texts that a spreadsheet would take for formulas: a quote in front makes them texts again.

A text that begins with quotes and goes on like a formula gets one more, so that taking one quote
from every text that looks like this gives back what was there: nothing else looks like it.
"""

import re

from server.export.arrow import Array, pa, pc

_GUARDED = r"^'*[=+\-@\t\r\n＝＋－＠]"
_FORMULA = re.compile(_GUARDED)


def guarded(texts: Array) -> Array:
    """Return a column of texts, none of which a spreadsheet takes for a formula."""
    if pa.types.is_dictionary(texts.type):
        return pa.DictionaryArray.from_arrays(texts.indices, guarded(texts.dictionary))
    formulas = pc.match_substring_regex(texts, _GUARDED)
    if not pc.any(formulas).as_py():
        return texts
    return pc.if_else(formulas, pc.binary_join_element_wise("'", texts, ""), texts)


def guarded_text(text: str) -> str:
    """Return one text likewise."""
    return f"'{text}" if _FORMULA.match(text) else text

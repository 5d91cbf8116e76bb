"""What of a question is looked for: not the words that only make it a question."""

from __future__ import annotations

import re

_CHINESE = (
    "什么时候|为什么|是什么|有什么|什么|哪[个些里位种儿年]?|谁|多少|怎么样|怎么办|怎么|怎样|如何"
    "|为何|何时|多[大长久远高]|几[个种位年次]|吗|呢|请问|想问|是否|有没有|是不是|能不能|可不可以"
    "|需不需要|要不要"
)
_ENGLISH = """a about an and any are as at be been by can could did do does for from had has have
how i if in into is it its many may me might much my of on or our please shall should so than that
the their them then there these they this those to us was we were what when where which who whom
whose why will with would you your"""
_EMPTY = re.compile(rf"{_CHINESE}|\b(?:{'|'.join(_ENGLISH.split())})\b", re.IGNORECASE | re.ASCII)


def content(question: str) -> str:
    """Return a question without interrogatives and function words; all of it if nothing is left."""
    kept = _EMPTY.sub(" ", question)
    return kept if any(map(str.isalnum, kept)) else question

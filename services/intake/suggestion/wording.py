"""One form for texts before they are compared: widths and cases made equal, spaces inside Chinese dropped."""

import re
import unicodedata
from typing import Final

_CJK: Final = r"\u3400-\u9fff\uf900-\ufaff"
_GAP: Final = re.compile(rf"(?<=[{_CJK}])\s+(?=[{_CJK}])")
# What masking leaves behind tells nothing about the matter.
_MASK: Final = re.compile(r"\[(?:phone|name|email|id|card)\]|\*{2,}")
_RUN: Final = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
_NOT_STEMMED: Final = ("ss", "us", "is")
_SHORTEST_PLURAL: Final = 4

# Words that stand in any text; they are left out on both sides, so that "lack of heat" is "lack heat".
_STOP_WORDS: Final = """
a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its me
my no not of on or our out she so that the their them there they this to too up us was we were what when which who why
will with would you your please very still
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())


def normalised(text: str) -> str:
    """Return the text in the one form in which texts are compared."""
    if not text.isascii():
        text = _GAP.sub("", unicodedata.normalize("NFKC", text))
    return _MASK.sub(" ", text).casefold()


def runs(text: str) -> list[str]:
    """Return the runs of Chinese characters and the words of other scripts of a normalised text, in their order."""
    return _RUN.findall(text)


def is_chinese(run: str) -> bool:
    """Tell a run of Chinese from a word of another script."""
    return "\u3400" <= run[0] <= "\u9fff" or "\uf900" <= run[0] <= "\ufaff"


def stem(word: str) -> str:
    """Return an English word without its plural ending; other words come back as they are."""
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(_NOT_STEMMED):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "sses")):
        return word[:-2]
    return word[:-1]

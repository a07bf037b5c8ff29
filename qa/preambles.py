"""What people say around a question: greetings, "could you tell me", "according to the document".

None of it is asked of the documents, and a reader takes it for a part of the question: behind "Hi,
could you please tell me" the shipped one answers 50 % of the dev questions that have an answer
instead of 73 (`python -m tests.benchmarks.wordings`). What is taken off is only what stands beside
a phrase that asks, so that what somebody said ("Who said thanks?") stays asked for.
"""

from __future__ import annotations

import re

_ASKS = r"""(?:(?:in|on|at|by|to|from|for|of|with|under|about|since|until|during)\s+)?
    (?:who(?:se|m)?|what|which|when|where|why|how)(?:['’](?:s|re|d|ll))?\b"""
_PAPERS = r"(?:documents?|articles?|texts?|passages?|files?|folder|library)"
_OF_THE_PAPERS = rf"""(?:the|this|that|these|those|my|our|your)\s+
    (?:(?:above|attached|given|following|uploaded|provided)\s+)?{_PAPERS}
    (?:\s+(?:above|here|provided|given))?"""
_FROM = rf"(?:according\sto|based\son|as\sper)\s+{_OF_THE_PAPERS}"
# A hyphen or a full stop without space joins words: "well-being", "hello.txt".
_MARK = r"(?:\s*[,.!:;–—-]*[,!:;–—]\s*|\s*[.-]+\s+|\s+-+\s*)"

_GREETING = re.compile(
    rf"""(?xi)^(?:
    (?:hi|hello|hey|good\s(?:morning|afternoon|evening)|dear\s\w+)(?:\s(?:there|all|everyone))?
    |(?:sorry|excuse\sme|ok(?:ay)?|well|so|please)
    |(?:just\s)?(?:a|one|another)?\s?(?:quick\s)?question
    |(?:i\shave|i['’]ve(?:\sgot)?)\s(?:a|one|another)\s(?:quick\s)?question(?:\sfor\syou)?
    )(?:{_MARK}(?=\w)|\s+(?={_ASKS}|(?:please|can|could|would|tell|do|i)\b))"""
)
_REQUEST = re.compile(
    rf"""(?xi)^(?P<joined>(?:and|but|so|or)\s+)?(?:please[\s,]+)?(?:
    (?:(?:can|could|would|will)\s(?:you|anyone|anybody|someone|somebody)\s(?:(?:please|kindly)\s)?)?
        (?:(?:tell|show|give|remind)\s(?:me|us)|explain(?:\sto\s(?:me|us))?|find(?:\sout)?)
    |let\s(?:me|us)\sknow
    |(?:do|does)\s(?:you|anyone|anybody|somebody|someone)(?:\shappen\sto)?\sknow
    |i(?:\swould|['’]d)?(?:\sreally)?\s(?:like|love|want|need|wish)\sto\s(?:know|find\sout|learn)
    |i(?:\sam|['’]m|\swas)?(?:\sjust)?\s(?:wonder(?:ing)?|curious)(?:\sabout)?
    |(?:can|could|may)\si\sask(?:\syou)?
    )(?:[\s,]+please)?(?:[\s,]+{_FROM})?[\s,:]+(?={_ASKS}|(?:the|an?)\s)"""
)
_SAYS = re.compile(
    rf"""(?xi)^(?:do|does)\s{_OF_THE_PAPERS}\s(?:say|mention|state|tell(?:\s(?:me|us))?)[\s,:]+
    (?={_ASKS})"""
)
_SOURCE = re.compile(rf"(?xi)^(?:{_FROM}|(?:in|from)\s+{_OF_THE_PAPERS})[\s,:]+(?={_ASKS})")
_SOURCE_BEHIND = re.compile(rf"(?xi)[\s,]+{_FROM}\s*(?=[?.!\s]*$)")
_THANKS = re.compile(
    r"""(?xi)(?<=[,.!?;–—-])\s*
    (?:please|pls|plz|thx|cheers|(?:many\s)?thanks|thank\syou)
    (?:\s(?:so|very)\smuch|\sa\slot|\sin\sadvance)*[\s.!?]*$"""
)


def without_preamble(question: str) -> str:
    """Return what is asked; the question itself when nothing stands around it.

    Args:
        question: The question, its white space single spaces.
    """
    bare = question
    # "Hi! I have a question: …" greets twice.
    for pattern in (_GREETING, _GREETING, _SAYS, _SOURCE, _REQUEST):
        bare = pattern.sub(lambda found: found.groupdict().get("joined") or "", bare)
    bare = _SOURCE_BEHIND.sub("", _THANKS.sub("", bare)).rstrip(" ,")
    return bare if any(character.isalnum() for character in bare) else question

"""Questions about a document itself: who wrote it, where it is from, of when, its title, its topic.

Documents say such things in lines of their own, a byline or a title (`qa/document_lines.py`), and
the passages that readers are trained on are without them.

"Which cartel is this about?" is asked of the text, but in words that no text has. Of 300 passages
and a kind of thing that each is about, 5 % are answered rightly so, and 62 % when the reader is
asked for "the name of the cartel"; of kinds that they do not speak of, 3 and 4 % are answered
(`python -m tests.benchmarks.document_questions`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from index.documents import SUFFIXES
from qa.clauses import of_clause

Matter = Literal[
    "author", "recipient", "credit", "source", "update", "date", "title", "topic", "clause"
]

# "The article" is hardly ever a thing that a text speaks of; "the report" often is.
_SURELY = "article|document|text|file|passage|e-?mail|pdf|web ?page|slide deck"
_PAPER = (
    "(?:(?:news|press|research|blog|white|cover|whole|entire|attached|uploaded|above) )*"
    f"(?:{_SURELY}|story|piece|report|paper|memo(?:randum)?|letter|message|post|essay|release"
    "|statement|notes?|study|book|contract|agreement|policy|manual|page|presentation|spreadsheet"
    "|minutes)"
)
ANY_PAPER = re.compile(f"(?:the|this|that|these|those|my|our|your) {_PAPER}|this|it")
"""Words for a document that do not say which one."""
_SUFFIXES = "|".join(suffix[1:] for suffix in SUFFIXES if suffix)
_ONE_WORD = rf"[\w(][\w()./-]*\.(?:{_SUFFIXES})"
_QUOTED = rf"[\"'“„«‘][^\"“”„«»]+\.(?:{_SUFFIXES})[\"'“”»]"
_FILE = rf"(?:the (?:file|document) )?(?:{_ONE_WORD}|{_QUOTED})"
# "Annual report.txt", and anything else that ends so: which of them are files, the library tells.
_SPACED = rf"(?:[\w(&][\w()./&'-]* ){{1,7}}{_ONE_WORD}"
A_FILE = re.compile(f"{_FILE}|{_SPACED}")
"""Words that end with the name of a file."""
_THIS = f"(?:(?:the|this|that|these|those|my|our|your) {_PAPER}|this|{_FILE})"
_IT = f"(?P<it>{_THIS}|{_SPACED})"
_IS = "(?: ?'s| is| was| are| were)"
_MADE = "written|authored|penned|drafted|prepared|composed|compiled"
_OUT = "published|issued|released|posted|printed|put out"
_TELL = "(?:discuss|describe|cover|deal with|talk about|report on|say)"
_OUTLET = (
    "(?:news )?(?:agency|newspaper|paper|outlet|magazine|publication|publisher|website|site"
    "|journal|organi[sz]ation)"
)

# The first that fits: "who is the letter to" before "who is the letter by".
_WAYS: dict[Matter, tuple[str, ...]] = {
    "recipient": (
        f"(?:to )?whom?{_IS} {_IT} (?:sent|addressed|written|directed)(?: to| for)",
        f"to whom{_IS} {_IT} (?:sent|addressed|written|directed)",
        f"who{_IS} {_IT} to",
        f"who (?:received|got) {_IT}",
        f"(?:who{_IS} )?(?:the )?(?:recipient|addressee)s? of {_IT}",
    ),
    "credit": (
        f"(?:to )?whom?{_IS} {_IT} (?:credited|attributed)(?: to| from)?",
        f"(?:from )?where{_IS} {_IT} credited(?: from)?",
        f"who{_IS} credited (?:for|with|in|on|by) {_IT}",
        f"who (?:gets|got|has) (?:the )?credit (?:for|of|in) {_IT}",
    ),
    "author": (
        f"(?:(?:who|what){_IS} )?(?:the )?(?:authors?|writers?|sender|byline) (?:of|on) {_IT}",
        f"who (?:has |have )?(?:wrote|{_MADE}|sent) {_IT}",
        f"(?:by )?whom?{_IS} {_IT} (?:(?:{_MADE}|sent)(?: by)?|by|from)",
        f"(?:what{_IS}|name|give) the (?:name of the )?(?:author|writer|sender) of {_IT}",
        f"(?:which|what) (?:author|person|journalist|reporter) (?:wrote|{_MADE}) {_IT}",
        f"whose (?:name|byline){_IS} on {_IT}",
    ),
    "source": (
        f"from where{_IS} {_IT}(?: (?:taken|copied|sourced|reprinted))?",
        f"where{_IS} {_IT}(?: (?:taken|copied|sourced|reprinted))? from",
        f"where (?:does|did) {_IT} come from",
        f"(?:(?:what|who){_IS} )?(?:the )?(?:source|publisher) of {_IT}",
        f"who (?:has )?(?:{_OUT}) {_IT}",
        f"(?:by whom|in which {_OUTLET}){_IS} {_IT} (?:{_OUT})",
        f"(?:which|what) {_OUTLET}{_IS} {_IT} (?:from|in|(?:{_OUT}) (?:in|by))",
        f"(?:which|what) [a-z]+(?: [a-z]+)? (?:published|issued|released|printed|ran) {_IT}",
        f"where{_IS} {_IT} (?:first |originally )?(?:published|printed|issued)",
    ),
    "update": (
        f"when{_IS} {_IT} (?:last )?(?:updated|modified|revised|changed|edited)",
        f"(?:what{_IS} )?(?:the )?date of the last (?:change|update|revision)s? (?:of|to) {_IT}",
    ),
    "date": (
        f"when{_IS} {_IT} (?:first |originally )?(?:{_MADE}|{_OUT}|sent|dated|created|from)",
        f"(?:what{_IS} )?(?:the )?(?:publication |issue )?date (?:of|on) {_IT}",
        f"(?:on |in )?(?:what|which) (?:date|day|month|year){_IS} {_IT}"
        f" (?:first |originally )?(?:{_MADE}|{_OUT}|sent|dated|from)",
    ),
    "title": (
        f"(?:what{_IS} )?(?:the )?(?:title|headline|subject line) (?:of|on|in) {_IT}",
        f"(?:what|how){_IS} {_IT} (?:called|titled|entitled|headlined)",
    ),
    "topic": (
        f"what{_IS} {_IT} (?:all |mainly |mostly )?about",
        f"what (?:does|do) {_IT} {_TELL}",
        f"(?:what{_IS} )?(?:the )?(?:main )?(?:topic|subject|theme|gist) of {_IT}",
    ),
}
_TELLS = re.compile(f"what (?:does|do) .* {_TELL}")
_PATTERNS = [(matter, re.compile(way)) for matter, ways in _WAYS.items() for way in ways]

_POSSESSIVE = re.compile(f"(?P<it>{_THIS})'s (?P<what>(?:main |publication )?[a-z]+)$")

_ABOUT = (
    "(?:all |mainly |mostly )?(?:about|discuss(?:ing)?|describ(?:e|ing)|cover(?:ing)?|deal with"
    "|talk(?:ing)? about|focus(?:ing)? on|report(?:ing)? on)"
)
_KIND = re.compile(
    rf"(?:which|what) (?P<kind>[^\W\d_][\w-]*(?: [^\W\d_][\w-]*)?)(?:"
    rf" (?:is|was|does|did) (?:{_THIS}|it) {_ABOUT}"
    rf"| (?:is|was) (?:being )?(?:discussed|described|covered)(?: here| in {_THIS})?)"
)
_PERSON = re.compile(f"whom?{_IS} (?:{_THIS}|it) {_ABOUT}")
# What has no name to ask for: these are asked of the document, and plurals of several names.
_NAMELESS = re.compile(
    r"(?:.* )?(?:topics?|subjects?|themes?|issues?|problems?|matters?|things?|kind|type|sort|area"
    r"|field|period|year|month|quarter|time|date|question|percentage|amount|one|of|(?!.*(?:ss|us|is)$)"
    r".*s)|(?:exactly|else|specifically|really|actually|then|precisely|ever|is|are|was|does)\b.*"
    r"|.* (?:exactly|else|specifically|really|then|them|these|those)"
)


@dataclass(frozen=True, slots=True)
class DocumentQuestion:
    """What is asked of a document itself.

    Attributes:
        matter: What of it.
        document: The words that stand for it: "this article", "the report", "minutes.docx".
        certain: Whether they can hardly stand for something that a text speaks of.
        told: Whether it may be told in running text as well: "What does this policy cover?"
        part: The kind of part that is asked for, "clause", or none, and its number.
    """

    matter: Matter
    document: str
    certain: bool
    told: bool = False
    part: tuple[str, str] = ("", "")


def of_document(question: str) -> DocumentQuestion | None:
    """Return what a question asks of a document itself; None for one about what documents say."""
    bare = _bare(question)
    # First: "clause 4.2 of contract.txt" ends with the name of a file as well.
    asked = of_clause(bare)
    if asked is not None:
        part, number, document = asked
        return DocumentQuestion("clause", document, certain=True, part=(part, number))
    for matter, pattern in _PATTERNS:
        found = pattern.fullmatch(bare)
        if found:
            document = found["it"]
            certain = re.fullmatch(f"this.*|.*(?:{_SURELY})|{A_FILE.pattern}", document) is not None
            return DocumentQuestion(matter, document, certain, bool(_TELLS.fullmatch(bare)))
    return None


def asked_by_name(question: str) -> str:
    """Return "Which cartel is this about?" as "What is the name of the cartel?"; others as is."""
    bare = _bare(question)
    if _PERSON.fullmatch(bare):
        return "What is the name of the person?"
    found = _KIND.fullmatch(bare)
    if found is None or _NAMELESS.fullmatch(found["kind"]):
        return question
    return f"What is the name of the {found['kind']}?"


def _bare(question: str) -> str:
    """Return a question in small letters, "the article's title" as "the title of the article"."""
    bare = " ".join(question.lower().replace("’", "'").split()).rstrip("?!. ")
    return _POSSESSIVE.sub(r"the \g<what> of \g<it>", bare)

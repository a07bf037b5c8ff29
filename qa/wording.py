"""The little English that follow-ups need: word lists, verb forms, the parts of a question.

No tagger: closed classes of words are listed, open ones are guessed from their neighbours. What a
guess gets wrong costs an odd wording, which the reader of passages mostly bears.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.document_questions import asked_by_name


def listed(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


BE = listed("is are was were am")
DO = listed("do does did")
HAVE = listed("has have had")
MODAL = listed("can could will would shall should may might must")
AUXILIARY = BE | DO | HAVE | MODAL
DETERMINERS = listed(
    """
    a an the this that these those my your his her its our their any some no every each
    """
)
PREPOSITIONS = listed(
    """
    about after against among around as at before below beneath beside between by during for
    from in inside into near of off on onto outside over since than through throughout to toward
    towards under until upon via with within without
    """
)
CONJUNCTIONS = listed(
    """
    and or but nor because if while although though so whether
    """
)
ADVERBS = listed(
    """
    also again ago always already anyway currently else even ever exactly first further here
    later most never not now often only originally precisely previously still then there
    together too up down out usually
    """
)
PRONOUNS = listed(
    """
    i you he she it we they me him us them one ones himself herself itself themselves
    """
)
CALENDAR = listed(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    """
)
QUESTION_WORDS = listed("who whom whose what which when where why how")
_SOURCE = re.compile(r"(?i)^according to whom?\b[\s,]+(?=\w)")
DEGREES = listed(
    """
    many much long old big far often large tall high deep wide fast heavy soon late small young
    hot cold strong expensive important likely
    """
)

# base past participle; where two are given the participle is the past.
_IRREGULAR = """
 arise arose arisen, be was been, bear bore borne, beat beat beaten, become became become, begin
began begun, bind bound, break broke broken, bring brought, build built, burn burnt, buy bought,
catch caught, choose chose chosen, come came come, cost cost, cut cut, deal dealt, do did done,
draw drew drawn, drive drove driven, eat ate eaten, fall fell fallen, feel felt, fight fought,
find found, flee fled, fly flew flown, forbid forbade forbidden, get got, give gave given, go
went gone, grow grew grown, hang hung, have had, hear heard, hide hid hidden, hit hit, hold
held, hurt hurt, keep kept, know knew known, lay laid, lead led, learn learnt, leave left, lend
lent, let let, lie lay lain, lose lost, make made, mean meant, meet met, overcome overcame
overcome, pay paid, put put, read read, rise rose risen, rule ruled, run ran run, say said, see
saw seen, seek sought, sell sold, send sent, set set, shoot shot, show showed shown, shut shut,
sing sang sung, sink sank sunk, sit sat, speak spoke spoken, spend spent, split split, spread
spread, stand stood, steal stole stolen, strike struck, swim swam swum, swear swore sworn, take
took taken, teach taught, tell told, think thought, throw threw thrown, understand understood,
wear wore worn, win won, withdraw withdrew withdrawn, write wrote written
"""
_FORMS = [entry.split() for entry in _IRREGULAR.replace("\n", " ").split(",")]
_PAST = {forms[0]: forms[1] for forms in _FORMS}
_BASE = {form: forms[0] for forms in reversed(_FORMS) for form in forms}
_FORMS_OF = {entry[0]: tuple(entry) for entry in _FORMS}
_PARTICIPLES = frozenset(forms[-1] for forms in _FORMS) | {"born"}
_REGULAR = listed(
    """
    accept accuse achieve acquire add adopt affect agree aim allow announce appear apply appoint
    approve argue arrest arrive ask assist attack attempt attend attract award ban base believe
    belong blame borrow broadcast call carry cause celebrate change charge claim close coin
    collapse collect comment commit compete complete compose conclude conduct conquer consider
    consist contain continue contribute control convert cover create cross damage date decide
    declare defeat defend define deliver demand denounce deny describe design designate destroy
    determine develop die discover discuss divide dominate donate earn educate elect employ
    enable encourage end enjoy enter escape establish exist expand expect experience explain
    express extend face fail favor finance finish flow follow force form found fund gain govern
    happen help hope host identify impose improve include increase indicate influence inhabit
    inherit injure inspire intend introduce invade invent invest invite involve issue join
    justify kill launch like link live locate look lower maintain manage mark marry massacre
    measure mention motivate move name need obtain occupy occur offer open oppose orbit order
    organize originate own participate pass perform persuade place plan play point possess
    practice preach prefer prepare present preserve prevent print proclaim produce promise
    promote propose protect prove provide publish punish raise reach react reaffirm receive
    recognize recommend record reduce refer reflect refuse regard reign reject relate release
    remain remark remember remove replace reply report represent request require resign respond
    result return reveal rule sack score secure seem seize separate serve settle share sign
    specialize stand start state stay stimulate stop study suffer suggest supply support
    surrender surround survive talk target tend train translate travel treat try turn use view
    violate visit vote wait walk want warn wish work worship
    """
)
# Stems that most often lost an "e": desig-nat, ba-s, invol-v, redu-c, prepa-r, chan-g.
_SILENT = re.compile(r"(?:[aiou]t|[bcdgkpt]l|[iuy]z|[aeiourn]s|[uvc]|[^aeiou][aiou][krm]|[dnrl]g)$")


def base(word: str) -> str:
    """Return the dictionary form of a verb: `designated` → `designate`, `began` → `begin`."""
    word = word.lower()
    if word in _BASE:
        return _BASE[word]
    tries = [
        stem for ending in ("ied", "ies", "ed", "es", "s", "ing") for stem in _stems(word, ending)
    ]
    known = [stem for stem in tries if stem in _REGULAR or stem in _PAST]
    return (known or tries or [word])[0]


def forms(word: str) -> tuple[str, ...]:
    """Return the forms of a verb that differ in more than an ending: `sink`, `sank`, `sunk`."""
    return _FORMS_OF.get(base(word), ())


def _stems(word: str, ending: str) -> list[str]:
    """Return what may stand before an ending, likeliest first."""
    stem = word.removesuffix(ending)
    if stem == word or len(stem) < 2:
        return []
    if ending in ("ied", "ies"):
        return [stem + "y", stem + "ie"]
    if ending == "s":
        return [stem]
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return [stem[:-1]]
    return [stem + "e", stem] if _SILENT.search(stem) else [stem, stem + "e"]


def past(verb: str) -> str:
    """Return the past of a dictionary form: `give` → `gave`, `preach` → `preached`."""
    if verb in _PAST:
        return _PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if re.search(r"[^aeiou]y$", verb) else verb + "ed"


def gerund(verb: str) -> str:
    """Return the -ing form of a dictionary form: `designate` → `designating`."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if re.search(r"[^eoy]e$", verb):
        return verb[:-1] + "ing"
    doubled = re.fullmatch(r"[^aeiou]*[aeiou][bdgmnprt]|(?:be|for)(?:gin|get|gid)", verb)
    return verb + (verb[-1] if doubled else "") + "ing"


def is_verb(word: str) -> bool:
    """Tell whether a word is likely a form of a verb."""
    if not word.islower():
        return False
    stem = base(word)
    known = stem in _REGULAR or stem in _PAST or word in _BASE or word in _PARTICIPLES
    return known or (word.endswith("ed") and len(word) > 4)


def is_participle(word: str) -> bool:
    """Tell whether a word may follow a form of `be` or `have`."""
    return word in _PARTICIPLES or (word.islower() and word.endswith(("ed", "ing")))


def is_base(word: str) -> bool:
    """Tell whether a word is a known verb in its dictionary form."""
    return word in _REGULAR or word in _PAST


def _ends_abbreviated(text: str) -> bool:
    """Tell whether the dot at the end belongs to the last word, as in "U.S."."""
    return bool(re.search(r"(?:^|\W)[A-Za-z]\.$", text))


def words_of(text: str) -> list[str]:
    """Return the words of a question without its closing marks."""
    words = text.strip().rstrip("?! ").split()
    if words and not _ends_abbreviated(words[-1]):
        words[-1] = words[-1].rstrip(".,;:!?") or words[-1]
    return words


def function_word(word: str) -> bool:
    """Tell whether a word belongs to a closed class."""
    word = word.lower()
    closed = (AUXILIARY, DETERMINERS, PREPOSITIONS, CONJUNCTIONS, ADVERBS, PRONOUNS, QUESTION_WORDS)
    return any(word in kind for kind in closed)


def as_read(question: str) -> str:
    """Return the question in the words that readers know it by.

    It ends with a question mark, however it was typed: what readers are trained on nearly always
    does, and whether it does must not change what an answer is worth. "According to whom …" is
    asked of news and hardly ever of what readers are trained on (once in 100,000 questions), where
    "Who says that …" is. "Which ship is this about?" asks for the ship's name, see
    `qa.document_questions`.
    """
    source = _SOURCE.match(question)
    if source:
        question = f"Who says {_stated(question[source.end() :])}"
    question = asked_by_name(question)
    bare = question.rstrip("?! \n\t")
    if bare.endswith(".") and not _ends_abbreviated(bare):
        bare = bare.rstrip(". ")
    return f"{bare}?" if bare else question


def _stated(asked: str) -> str:
    """Return "that the strikes are illegal" for "are the strikes illegal?"; else what is asked.

    Where neither a participle nor an infinitive ends the subject, a plural noun does.
    """
    frame = parse(asked)
    if frame is None or frame.asks or not frame.subject:
        return asked
    subject, told = frame.subject.split(), f"{frame.verb} {frame.rest}".strip()
    if (
        not told
        and subject[0].lower() in DETERMINERS
        and frame.auxiliary.lower() in ("are", "were")
    ):
        ends = (at for at, word in enumerate(subject[:-1], 1) if at > 1 and word.endswith("s"))
        cut = next(ends, len(subject))
        subject, told = subject[:cut], " ".join(subject[cut:])
    if not told or subject[-1].lower() in ADVERBS or told.split()[0].lower() in CONJUNCTIONS:
        return asked
    return f"that {' '.join(subject)} {frame.auxiliary} {told}"


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a question, as text; any but the first may be empty.

    Attributes:
        asks: The phrase that asks: "Who", "In which year"; empty for yes or no.
        auxiliary: "did", "was", … before the subject; empty in "Who issued the edict?".
        subject: The subject behind the auxiliary; empty where `asks` is itself the subject.
        verb: The main verb as it stands; empty in "Who is the chair?".
        rest: Everything behind it.
    """

    asks: str
    auxiliary: str
    subject: str
    verb: str
    rest: str

    @property
    def noun(self) -> str:
        """The noun that `asks` asks about: "people" of "How many people"."""
        return re.sub(
            r"(?i)^.*?\b(?:how (?:many|much)|which|what|whose|who|whom|when|where|why|how)\b ?",
            "", self.asks,
        )  # fmt: skip


def parse(text: str) -> Frame | None:
    """Take a question apart; None when it begins with no phrase that asks, and no auxiliary."""
    words = words_of(text)
    lower = [word.lower() for word in words]
    if lower and lower[0] in AUXILIARY:
        return _behind("", words[0], words[1:])
    at = next((i for i, word in enumerate(lower[:3]) if word in QUESTION_WORDS), None)
    if at is None or any(word not in PREPOSITIONS and word != "according" for word in lower[:at]):
        return None
    end = _asking_end(words, lower, at)
    if end >= len(words):
        return None
    asks = " ".join(words[:end])
    if lower[end] not in AUXILIARY or _main_verb(lower, end):
        return Frame(asks, "", "", words[end], " ".join(words[end + 1 :]))
    return _behind(asks, words[end], words[end + 1 :])


def _behind(asks: str, auxiliary: str, words: Sequence[str]) -> Frame:
    """Return the parts of a question whose auxiliary is known."""
    if not words or words[0].lower() in PREPOSITIONS:  # "How many are in the museum?"
        return Frame(asks, auxiliary, "", "", " ".join(words))
    cut = _subject_end(words, auxiliary.lower())
    verb = words[cut] if cut < len(words) else ""
    return Frame(asks, auxiliary, " ".join(words[:cut]), verb, " ".join(words[cut + 1 :]))


def _main_verb(lower: Sequence[str], at: int) -> bool:
    """Tell whether `has` or `did` is all the verb there is, as in `Who has the seat?`."""
    return lower[at] in HAVE and at + 2 < len(lower) and lower[at + 1] in DETERMINERS and not any(
        is_participle(word) for word in lower[at + 1 :]
    )  # fmt: skip


def _asking_end(words: Sequence[str], lower: Sequence[str], at: int) -> int:
    """Return where the phrase that asks ends."""
    end = at + 1
    if lower[at] == "how":
        if end >= len(words) or lower[end] not in DEGREES:
            return end
        end += 1
        if lower[end - 1] not in ("many", "much"):
            return end
    elif lower[at] not in ("what", "which", "whose"):
        return end
    for i in range(end, min(len(words), end + 8)):
        follows = i + 1 < len(words) and lower[i + 1] in DETERMINERS
        begins = i == end and lower[i] in DETERMINERS
        noun = i > end and lower[i - 1] in DETERMINERS | PREPOSITIONS
        finite = is_verb(words[i]) and not words[i].endswith("ing")
        if lower[i] in AUXILIARY or (finite and not noun and not begins):
            return i
        if follows and not function_word(words[i]):
            return i
    # No known verb: "which drugs interact with …" has it before the preposition.
    hung = (i for i in range(end + 1, len(words) - 1) if lower[i + 1] in PREPOSITIONS - {"of"})
    return next(hung, len(words)) if lower[at] != "what" else len(words)


def _subject_end(words: Sequence[str], auxiliary: str) -> int:
    """Return how many of the words behind an auxiliary are the subject."""
    fits = is_participle if auxiliary in BE | HAVE else is_base
    for i, word in enumerate(words):
        noun = i > 0 and words[i - 1].lower() in DETERMINERS | PREPOSITIONS
        if not noun and fits(word) and not (i and word in ("be", "have") and words[i - 1] == "to"):
            return i
    if auxiliary in BE | HAVE:
        return len(words)
    return _guessed_end(words)


def _guessed_end(words: Sequence[str]) -> int:
    """Guess the verb where none is known: behind a name, or before what must follow a verb."""
    if words and words[0].lower() in PRONOUNS:
        return 1
    run = 0
    while run < len(words) and words[run][0].isupper():
        run += 1
    if 0 < run < len(words) and not function_word(words[run]):
        return run
    for i in range(1, len(words)):
        if function_word(words[i]) and words[i].lower() != "of":
            return max(1, i - 1)
    return max(1, len(words) - 1)


def noun_phrases(text: str) -> list[tuple[int, int]]:
    """Return (first word, one past the last) of the phrases of a question that name something.

    A phrase is split at prepositions, so "the crust of the Earth" gives two.
    """
    words = words_of(text)
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for i, word in enumerate([*words, "?"]):
        inner = i < len(words) and not _splits(words, i)
        if inner and begin is None:
            begin = i
        elif begin is not None and (not inner or word.lower() in DETERMINERS):
            if any(not function_word(other) for other in words[begin:i]):
                found.append((begin, i))
            begin = i if inner else None
        if inner and word.endswith(",") and begin is not None:
            found.append((begin, i + 1))
            begin = None
    return found


def _splits(words: Sequence[str], i: int) -> bool:
    """Tell whether a word stands between noun phrases."""
    word = words[i].lower()
    if word == "and" and 0 < i < len(words) - 1:
        return not (words[i - 1][0].isupper() and words[i + 1][0].isupper())
    if word in DETERMINERS:
        return False
    if function_word(word) or word in DEGREES:
        return True
    noun = i > 0 and words[i - 1].lower() in DETERMINERS | PREPOSITIONS
    return not noun and is_verb(words[i])

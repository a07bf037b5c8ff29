"""The one exception tree.

```
CitespanError
├── DocumentError            one file could not be read; the others are not touched
│   ├── UnsupportedFormat
│   ├── UnreadableDocument
│   │   └── ParserInterrupted
│   └── DocumentTooLarge
├── LibraryError             the stored library could not be used
│   ├── LibraryLocked
│   ├── LibraryUnwritable
│   ├── LibraryCorrupt
│   └── LibraryMismatch
├── ModelError               weights that are absent or not what was expected
│   └── WeightsMissing
├── QuestionError            a question that cannot be asked (empty, too long)
└── GoldenError              a golden set that cannot be read (in `qa.golden_formats`)
```

Every message says what was found, what was expected, and the command that mends it.
"""


class CitespanError(Exception):
    """Root of every error that Citespan raises on purpose."""


class DocumentError(CitespanError):
    """One document could not be read."""


class UnsupportedFormat(DocumentError):
    """The file is of a kind that has no loader."""


class UnreadableDocument(DocumentError):
    """The file is of a known kind but broken, encrypted, binary or empty of text."""


class ParserInterrupted(UnreadableDocument):
    """Its parser did not start, ran out of time or was killed: later the file may be read."""


class DocumentTooLarge(DocumentError):
    """The file, or what it unpacks to, is over the size limit."""


class LibraryError(CitespanError):
    """The stored library could not be used."""


class LibraryLocked(LibraryError):
    """Another process is writing to the library."""


class LibraryUnwritable(LibraryError):
    """The library's folder cannot be written: its disk is full, failing or read-only."""


class LibraryCorrupt(LibraryError):
    """A stored file is missing, truncated or does not match its checksum."""


class LibraryMismatch(LibraryError):
    """The library was built by another embedder, dimension or schema version."""


class ModelError(CitespanError):
    """Model weights could not be used."""


class WeightsMissing(ModelError):
    """Model weights are not where they were expected."""


class QuestionError(CitespanError):
    """The question is empty or longer than the limit."""

"""Citespan: ask your own documents, get the answer in their own words with its exact place.

```python
import qa
qa.ask("who designated the cartel?").text
assistant = qa.open("~/papers")
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from index.errors import CitespanError
from qa.answer import Answer, Citation, Refusal

if TYPE_CHECKING:
    from qa.assistant import Assistant, ask
    from qa.assistant import open_assistant as open
    from qa.config import Settings
    from qa.reader import Reader, Span

__all__ = [
    "Answer",
    "Assistant",
    "Citation",
    "CitespanError",
    "Reader",
    "Refusal",
    "Settings",
    "Span",
    "ask",
    "open",
]

# Imported when first used: `import qa` takes milliseconds.
_LAZY = {
    "Assistant": ("qa.assistant", "Assistant"),
    "Reader": ("qa.reader", "Reader"),
    "Settings": ("qa.config", "Settings"),
    "Span": ("qa.reader", "Span"),
    "ask": ("qa.assistant", "ask"),
    "open": ("qa.assistant", "open_assistant"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)

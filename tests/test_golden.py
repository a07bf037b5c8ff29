"""Golden sets: what a person writes is what is asked and what is compared."""

from pathlib import Path

import yaml

SEEDS = Path(__file__).parents[1] / "seeds"
ARTICLE = (SEEDS / "000_d339585c7434496a.txt").read_text(encoding="utf-8")


def bundled_pairs():
    return yaml.safe_load((SEEDS / "golden.yaml").read_text(encoding="utf-8"))


def test_every_bundled_answer_and_quote_stands_in_the_article():
    # An answer that is not in the article could never be given, and would count as a loss for ever.
    missing = [
        (pair["question"], text)
        for pair in bundled_pairs()
        for text in [*pair.get("answers", []), *([pair["quote"]] if "quote" in pair else [])]
        if text not in ARTICLE
    ]
    assert missing == []


def test_the_bundled_set_asks_enough_of_both_kinds():
    pairs = bundled_pairs()
    assert pairs[0]["question"] == "who designated the cartel?"
    assert pairs[0]["answers"][0] == "U.S. State Department"
    assert sum("answers" in pair for pair in pairs) >= 40
    assert sum(pair.get("unanswerable", False) for pair in pairs) >= 16

"""Training: from a data file to weights that the reader runs, on a network of two small layers."""

import gzip
import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig

from index import network
from index.errors import WeightsMissing
from index.network import open_network
from qa.calibration import Calibration
from qa.reader import Reader, open_reader
from qa.train import average
from qa.train.calibrate import ELSEWHERE, elsewhere, mend
from qa.train.data import (
    FITTING_TITLES,
    Example,
    Source,
    held_out,
    load,
    read,
    unique_answers,
)
from qa.train.export import quantize, to_onnx
from qa.train.features import batches, collate, feature
from qa.train.loop import Plan, Run
from qa.train.model import PLAIN_ATTENTION, ReaderModel, loss
from qa.train.score import fit_score, torch_run
from qa.train.smooth import smooth
from qa.train.start import from_shipped
from tests.reader_fakes import VOCABULARY, word_tokenizer
from tests.train_fakes import FIRST, example


def small():
    torch.manual_seed(0)
    return ReaderModel(
        BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
    )


# Data ------------------------------------------------------------------------------------------


def squad(path, context, *pairs):
    qas = [
        {
            "question": question,
            "is_impossible": not answers,
            "answers": [{"text": a, "answer_start": context.find(a)} for a in answers],
        }
        for question, answers in pairs
    ]
    content = {"data": [{"title": "t", "paragraphs": [{"context": context, "qas": qas}]}]}
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        json.dump(content, stream)


def test_squad_files_are_read_with_their_unanswerable_questions(tmp_path):
    path = tmp_path / "made.json.gz"
    squad(path, "Ann and Bob", ("who", ["Ann", "Bob"]), ("when", []), ("lost", ["Eve"]))
    found = list(read(path))
    # "Eve" stands nowhere in the passage: a wrong label teaches wrong spans, so it is left out.
    assert [(e.question, e.answers) for e in found] == [("who", ((0, 3), (8, 11))), ("when", ())]


def test_answers_that_stand_twice_are_left_out_where_the_place_is_a_guess(tmp_path):
    squad(tmp_path / "made.json.gz", "Ann met Ann and Bob", ("who", ["Ann"]), ("whom", ["Bob"]))
    kept = load(tmp_path, (Source("made.json.gz", 1.0, unique=True),))
    assert [pair.question for pair, _ in kept] == ["whom"]


def test_of_several_annotated_answers_those_in_a_certain_place_are_kept():
    asked = example("who", "Ann met Ann Lee", "Ann", "Ann Lee")
    assert unique_answers(asked).answers == ((8, 15),)
    assert unique_answers(example("who", "Ann met Ann", "Ann")) is None
    assert unique_answers(example("when", "Ann met Ann")) == example("when", "Ann met Ann")


def test_a_missing_file_names_itself_and_its_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json not found in .*--data"):
        load(tmp_path, (Source("gone.json", 1.0),))


def test_a_file_of_another_layout_is_refused(tmp_path):
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="found no top-level 'data', expected SQuAD JSON"):
        list(read(tmp_path / "list.json"))


def test_a_tenth_of_the_shifts_is_held_out_by_passage():
    made = [
        Example(f"q{n}", f"passage {n // 2}", (), True, "squadshifts-reddit", "")
        for n in range(2000)
    ]
    held = [one for one in made if held_out(one)]
    assert 0.07 < len(held) / len(made) < 0.13
    assert {e.context for e in held}.isdisjoint(e.context for e in made if not held_out(e))
    assert not held_out(FIRST)


def test_the_articles_that_fit_the_confidence_are_not_trained_on():
    # A reader is surer of what it was trained on: a threshold fitted there would let lies pass.
    assert all(held_out(replace(FIRST, title=title)) for title in FITTING_TITLES)


def test_confidence_is_also_fitted_on_what_the_articles_do_not_speak_of(tmp_path):
    """If this fails, every question without an answer is taken for one that was made to mislead."""
    made = [
        {
            "context": f"passage {n}",
            "qas": [{"question": f"q{n}", "answers": [{"answer_start": 0, "text": "passage"}]}],
        }
        for n in range(400)
    ]
    content = {"data": [{"title": "new wiki", "paragraphs": made}]}
    with gzip.open(tmp_path / ELSEWHERE, "wt") as file:
        json.dump(content, file)
    found = elsewhere(tmp_path, 12)
    assert len(found) == 12
    assert all(pair.unanswerable and pair.document is None for pair in found)
    trained_on = {pair.question for pair, _ in load(tmp_path, (Source(ELSEWHERE, 1.0),))}
    assert trained_on and not trained_on & {pair.question for pair in found}
    assert elsewhere(tmp_path, 12) == found


@pytest.mark.parametrize("content", [None, "{", '{"confidence": {"weights": {"unknown": 1}}}'])
def test_a_calibration_that_cannot_be_read_can_be_made_anew(tmp_path, content):
    """If this fails, the command that the error names fails with the same error."""
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_text(content)
    mend(path)
    assert Calibration.load(path) == Calibration()
    Calibration(threshold=0.9).save(path)
    mend(path)
    assert Calibration.load(path).threshold == 0.9


# Features --------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["a", "b", "Ann", "1708", "x"]), min_size=1, max_size=60),
    st.integers(0, 10**6),
    st.data(),
)
def test_gold_positions_point_at_the_answer_wherever_the_passage_is_cut(words, seed, data):
    at = data.draw(st.integers(0, len(words) - 1))
    context = " ".join([*words[:at], "Bob", *words[at:]])
    tokenizer = word_tokenizer()
    made = feature(example("who", context, "Bob"), tokenizer, 16, random.Random(seed))
    assert [tokenizer.id_to_token(i) for i in made.ids[made.start : made.end + 1]] == ["Bob"]
    assert len(made.ids) <= 16 and made.start >= made.passage


def test_a_question_without_answer_points_at_position_0():
    made = feature(example("who", "a b"), word_tokenizer(), 16, random.Random(0))
    assert (made.start, made.end) == (0, 0)


def test_only_the_passage_and_no_answer_may_be_predicted():
    made = feature(FIRST, word_tokenizer(), 16, random.Random(0))
    allowed = collate([made]).windows.allowed[0].tolist()
    # [CLS] who ? [SEP] It was Ann . [SEP]
    assert allowed == [True, False, False, False, True, True, True, True, False]


def test_batches_hold_every_example_once_and_few_tokens_too_many():
    examples = [example("who", "a " * n + "Bob", "Bob") for n in range(1, 50)]
    made = list(batches(examples, word_tokenizer(), 64, tokens=100, seed=1))
    assert sum(len(batch.windows.ids) for batch in made) == 49
    assert all(one.windows.ids.numel() <= 100 or len(one.windows.ids) == 1 for one in made)


# Model, loop, export ---------------------------------------------------------------------------


def pairs():
    """ "who" is answered by Ann or Bob, "when" by 1708; without those there is no answer."""
    texts = ["a b Ann a", "Bob b b", "a 1708 b", "b a a b", "Ann b 1708", "a Bob a 1708"]
    rng = random.Random(0)
    made = []
    for number in range(240):
        context = texts[number % len(texts)]
        question = rng.choice(["who", "when"])
        wanted = ["Ann", "Bob"] if question == "who" else ["1708"]
        made.append(example(question, context, *[w for w in wanted if w in context.split()]))
    return [(one, 1.0) for one in made]


def nothing(model):
    return {}


def read_by(windows):
    return windows.ids, windows.mask, windows.types


def plan(**changes):
    known = {"steps": 60, "rate": 5e-3, "tokens": 320, "window": 32, "every": 30, "average": 0.9}
    return Plan(**(known | changes))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model = Run(small(), word_tokenizer(), pairs(), plan(), folder, lambda _: {"f1": 0.0}).train()
    return model, folder


def test_a_small_network_learns_to_quote_and_to_refuse(trained):
    reader = Reader(torch_run(trained[0]), word_tokenizer())
    for question, passage, answer in [("who", "a b Ann a", "Ann"), ("when", "a 1708 b", "1708")]:
        best = reader.read(question, [passage], best=1)[0]
        assert best.text == answer and best.score > 0
    assert reader.read("when", ["Bob b b"], best=1)[0].score < 0


def test_the_log_has_every_evaluation(trained):
    log = [json.loads(line) for line in (trained[1] / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log if "f1" in record] == [30, 60]


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path):
    def stop(model):
        raise KeyboardInterrupt

    whole = Run(small(), word_tokenizer(), pairs(), plan(steps=8, every=4), tmp_path / "w", nothing)
    expected = whole.train().state_dict()
    stopped = Run(small(), word_tokenizer(), pairs(), plan(steps=8, every=4), tmp_path / "s", stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    again = Run(small(), word_tokenizer(), pairs(), plan(steps=8, every=4), tmp_path / "s", nothing)
    assert again.step == 4
    found = again.train().state_dict()
    for name, weight in expected.items():
        assert torch.allclose(weight, found[name], atol=1e-6), name


def test_the_rate_rises_is_held_and_falls_to_nothing():
    rates = [plan(steps=20, warmup=0.1, fall=0.5).rate_at(step) for step in range(21)]
    assert rates[:3] == [0.5, 1.0, 1.0] and rates[10] == 1.0
    assert rates[15] == 0.5 and rates[20] == 0.0
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_finished_run_with_more_steps_goes_on_from_before_its_rate_fell(tmp_path):
    short = plan(steps=10, fall=0.4, every=5)
    Run(small(), word_tokenizer(), pairs(), short, tmp_path, nothing).train()
    assert Run(small(), word_tokenizer(), pairs(), short, tmp_path, nothing).step == 10
    longer = replace(short, steps=20)
    again = Run(small(), word_tokenizer(), pairs(), longer, tmp_path, nothing)
    assert again.step == 6
    again.train()
    assert Run(small(), word_tokenizer(), pairs(), longer, tmp_path, nothing).step == 20


def test_what_is_read_while_the_rate_falls_is_another_mix(tmp_path):
    read = []

    class Watched(Run):
        def _learn(self, batch):
            read.append(set(batch.windows.ids[batch.starts > 0].flatten().tolist()))
            self.step += 1

    early, late = [(FIRST, 1.0)], [(example("when", "in 1708", "1708"), 1.0)]
    run = Watched(
        small(), word_tokenizer(), early, plan(steps=4, fall=0.5), tmp_path, nothing, late
    )
    run.train()
    ann, year = VOCABULARY.index("Ann"), VOCABULARY.index("1708")
    assert [(ann in ids, year in ids) for ids in read] == [(True, False)] * 2 + [(False, True)] * 2


def test_the_mix_of_the_end_has_weights_of_its_own(tmp_path):
    squad(tmp_path / "one.json.gz", "Ann and Bob", ("who", ["Ann"]))
    squad(tmp_path / "two.json.gz", "Ann and Bob", ("whom", ["Bob"]))
    sources = (Source("one.json.gz", 1.0, late=0.5), Source("two.json.gz", 2.0))
    assert [weight for _, weight in load(tmp_path, sources)] == [1.0, 2.0]
    assert [weight for _, weight in load(tmp_path, sources, late=True)] == [0.5, 2.0]


def test_a_reader_can_be_trained_on_from_what_was_shipped(trained, tmp_path):
    """Smoothed and in 8 bits: a step of its rounding apart, and nothing lost or swapped."""
    model = small()
    model.load_state_dict(trained[0].state_dict())
    smooth(model, [collate([feature(FIRST, word_tokenizer(), 16, random.Random(0))])])
    to_onnx(model, tmp_path / "exact.onnx")
    quantize(tmp_path / "exact.onnx", tmp_path / "reader.onnx")
    found = from_shipped(tmp_path).state_dict()
    for name, weight in trained[0].state_dict().items():
        assert torch.allclose(found[name], weight, atol=float(weight.abs().max()) / 50), name


def test_a_folder_without_a_reader_is_no_start(tmp_path):
    with pytest.raises(WeightsMissing, match=r"reader\.onnx not found in .*make one with"):
        from_shipped(tmp_path)


def test_runs_are_averaged_weight_by_weight(tmp_path):
    models = []
    for seed in (1, 2, 3):
        # A frozen layer is not among the averaged weights of a checkpoint, but it counts as well.
        made = plan(steps=2, seed=seed, frozen=1)
        run = Run(small(), word_tokenizer(), pairs(), made, tmp_path / str(seed), nothing)
        models.append(run.train())
    expected = {
        name: torch.stack([model.state_dict()[name] for model in models]).mean(0)
        for name, weight in models[0].state_dict().items()
        if weight.is_floating_point()
    }
    made = average.mix(models[0], [tmp_path / "2", tmp_path / "3"])
    assert [(run["steps"], run["plan"]["seed"]) for run in made] == [(2, 2), (2, 3)]
    for name, weight in expected.items():
        assert torch.allclose(models[0].state_dict()[name], weight, atol=1e-6), name


def test_a_run_is_averaged_with_the_reader_that_it_set_out_from(trained, tmp_path):
    to_onnx(trained[0], tmp_path / "exact.onnx")
    quantize(tmp_path / "exact.onnx", tmp_path / "reader.onnx")
    config = {"sha256": {"reader.onnx": "ab12"}, "made": {"steps": 60}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model, before = small(), small().state_dict()
    assert average.mix(model, [tmp_path]) == [{"sha256": "ab12", "made": {"steps": 60}}]
    for name, weight in trained[0].state_dict().items():
        expected = (weight + before[name]) / 2
        step = float(weight.abs().max()) / 50
        assert torch.allclose(model.state_dict()[name], expected, atol=step), name


def test_a_run_to_average_with_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none/checkpoint.pt not found, expected"):
        average.mix(small(), [tmp_path / "none"])


def test_frozen_layers_keep_their_weights(tmp_path):
    model = small()
    before = model.bert.encoder.layer[0].attention.self.query.weight.clone()
    moving = model.bert.encoder.layer[1].attention.self.query.weight.clone()
    Run(model, word_tokenizer(), pairs(), plan(steps=2, frozen=1), tmp_path, nothing).train()
    assert torch.equal(before, model.bert.encoder.layer[0].attention.self.query.weight)
    assert not torch.equal(moving, model.bert.encoder.layer[1].attention.self.query.weight)


def test_the_loss_of_a_sure_and_right_prediction_is_nearly_nothing():
    batch = collate([feature(FIRST, word_tokenizer(), 16, random.Random(0))])
    model = small()
    logits = model(*read_by(batch.windows))
    sure = torch.full_like(logits.start, -50.0)
    sure[0, batch.starts[0]] = 50.0
    yes = torch.tensor([50.0])
    perfect = type(logits)(sure, sure, yes, yes)
    assert float(loss(perfect, batch)) < 1e-3 < float(loss(logits, batch).detach())


def test_plain_attention_learns_as_the_fused_one_does():
    short = replace(FIRST, context="Ann .", answers=((0, 3),))
    batch = collate(
        [feature(one, word_tokenizer(), 16, random.Random(0)) for one in (FIRST, short)]
    )
    assert not batch.windows.mask.all(), "padding must count nothing"
    gradients = []
    for attention in ("sdpa", PLAIN_ATTENTION):
        model = small()
        model.bert.set_attn_implementation(attention)
        loss(model(*read_by(batch.windows)), batch).backward()
        gradients.append(
            {
                name: weight.grad
                for name, weight in model.named_parameters()
                if weight.grad is not None
            }
        )
    fused, plain = gradients
    assert "bert.encoder.layer.0.attention.self.query.weight" in fused
    for name, gradient in fused.items():
        assert torch.allclose(gradient, plain[name], atol=1e-5), name


def test_smoothing_evens_out_the_channels_and_changes_no_output():
    torch.manual_seed(1)
    model = small().eval()
    dense = model.bert.encoder.layer[0].intermediate.dense
    batch = collate([feature(FIRST, word_tokenizer(), 16, random.Random(0))])
    # One channel of the first layer's output stands out a hundredfold, as some do in real ones.
    model.bert.encoder.layer[0].attention.output.LayerNorm.weight.data[3] = 100.0
    before = model(*read_by(batch.windows))
    smooth(model, [batch])
    after = model(*read_by(batch.windows))
    assert torch.allclose(before.start, after.start, atol=1e-4)
    assert torch.allclose(before.relevance, after.relevance, atol=1e-4)
    inverse = model.bert.encoder.layer[0].intermediate.dense.inverse
    assert inverse.argmin() == 3 and inverse[3] < 0.3 and inverse.max() == 1.0
    assert model.bert.encoder.layer[0].intermediate.dense.linear is dense


def test_exported_weights_read_as_the_trained_ones_do(trained, tmp_path):
    tokenizer = word_tokenizer()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    to_onnx(trained[0], tmp_path / "reader.onnx")
    passages = ["a b Ann a", "Bob b b a a a a 1708", "b a a b"]
    expected = Reader(torch_run(trained[0]), tokenizer).read("who", passages)
    exact = open_reader(tmp_path).read("who", passages)
    assert [span.text for span in exact] == [span.text for span in expected]
    np.testing.assert_allclose(
        [(s.margin, s.relevance, s.answerability) for s in exact],
        [(s.margin, s.relevance, s.answerability) for s in expected],
        atol=1e-3,
    )
    quantize(tmp_path / "reader.onnx", tmp_path / "reader.int8.onnx")
    (tmp_path / "reader.int8.onnx").replace(tmp_path / "reader.onnx")
    assert open_reader(tmp_path).read("who", passages)[0].text == expected[0].text


def test_sums_of_large_products_are_exact_on_every_processor(tmp_path, monkeypatch):
    """255 times 127, twice, is more than 16 bits hold: a processor that adds there says 32,767."""
    layer = torch.nn.Linear(64, 4, bias=False)
    torch.nn.init.ones_(layer.weight)
    inputs = torch.ones(8, 64)
    program = torch.onnx.export(layer.eval(), (inputs,), dynamo=True, verbose=False)
    assert program is not None
    program.save(str(tmp_path / "exact.onnx"))
    quantize(tmp_path / "exact.onnx", tmp_path / "int8.onnx")

    def found():
        session = open_network(tmp_path / "int8.onnx", 1, "layer", "make it anew")
        return session.run(None, {session.get_inputs()[0].name: inputs.numpy()})[0]

    here = found()
    np.testing.assert_allclose(here, np.full((8, 4), 64.0), rtol=0.01)
    monkeypatch.setattr(network, "_has_vnni", lambda: False)
    np.testing.assert_array_equal(found(), here)


def test_the_fitted_score_is_positive_where_the_answer_is_right(trained):
    reader = Reader(torch_run(trained[0]), word_tokenizer())
    weights = fit_score(reader, [one for one, _ in pairs()])
    fitted = Reader(torch_run(trained[0]), word_tokenizer(), weights)
    assert fitted.read("who", ["a b Ann a"], best=1)[0].score > 0
    assert fitted.read("who", ["b a a b"], best=1)[0].score < 0

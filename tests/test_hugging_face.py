"""A reader that the user brings is read with as the shipped one is; tiny ones, made here."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    BertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

import qa
from index.errors import ModelError, WeightsMissing
from qa.config import Settings
from qa.hugging_face import _longest, frame_of, open_reader
from qa.reader import Frame, Reader
from qa.train.export import to_hugging_face
from qa.train.model import ReaderModel
from tests.index_fakes import write
from tests.reader_fakes import VOCABULARY, word_tokenizer

PASSAGES = ["It was Ann Bob who came in 1708 .", "a b a b", "", "Bob " * 60]
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.5,
}


def bert_tokenizer():
    tokenizer = word_tokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def roberta_tokenizer():
    """Byte-level BPE, with RoBERTa's own numbers for its special tokens (<pad> is 1)."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(PASSAGES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.fixture
def bert(tmp_path):
    torch.manual_seed(1)
    network = ReaderModel(
        BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=64, **SIZES)
    )
    to_hugging_face(network, bert_tokenizer(), tmp_path / "bert")
    return tmp_path / "bert", network


@pytest.fixture
def roberta(tmp_path):
    torch.manual_seed(2)
    tokenizer = roberta_tokenizer()
    network = RobertaForQuestionAnswering(
        RobertaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            max_position_embeddings=66,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            type_vocab_size=1,
            **SIZES,
        )
    )
    network.save_pretrained(tmp_path / "roberta")
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        model_max_length=64,
    )
    wrapped.save_pretrained(tmp_path / "roberta")
    return tmp_path / "roberta", network.eval()


def places(spans):
    return [(span.passage, span.start, span.end) for span in spans]


def test_our_weights_in_that_layout_read_as_they_do_at_home(bert):
    folder, network = bert

    def run(ids, mask, types):
        with torch.inference_mode():
            out = network.eval()(*map(torch.from_numpy, (ids, mask, types)))
        return (out.start.numpy(), out.end.numpy(), *np.zeros((2, len(ids)), np.float32))

    home = Reader(run, word_tokenizer(), window_tokens=40, window_stride=10)
    away = open_reader(str(folder), Settings(window_tokens=64, window_stride=10))
    assert away._window == 63
    away._window = 40
    expected, found = home.read("who", PASSAGES), away.read("who", PASSAGES)
    assert places(found) == places(expected)
    assert len({span.passage for span in found}) == 3
    np.testing.assert_allclose(
        [span.score for span in found], [span.margin for span in expected], atol=1e-4
    )


@pytest.mark.parametrize(
    ("padding", "longest"), [(0, 511), (1, 510), (50_283, 511)], ids=["BERT", "RoBERTa", "Modern"]
)
def test_only_a_small_padding_number_is_one_that_positions_begin_behind(padding, longest):
    """A reader of ModernBERT's kind opened, and failed at the first question."""
    model = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=512))
    tokenizer = SimpleNamespace(pad_token_id=padding, model_max_length=10**30)
    assert _longest(model, tokenizer) == longest


def test_other_programs_give_our_exported_weights_their_token_types(bert):
    # Left to its defaults, the tokenizer gives none, and whoever runs the model reads nonsense.
    given = AutoTokenizer.from_pretrained(bert[0])("who", "Ann Bob")
    assert given["input_ids"] == [2, 4, 3, 6, 7, 3]
    assert given["token_type_ids"] == [0, 0, 0, 1, 1, 1]


def test_the_score_is_the_margin_and_the_absent_heads_say_nothing(bert):
    for span in open_reader(str(bert[0])).read("who", PASSAGES):
        assert span.score == span.margin
        assert (span.answerability, span.relevance) == (0.0, 0.0)


def test_roberta_windows_are_built_as_its_tokenizer_builds_them(roberta):
    # A window framed like BERT's is one that RoBERTa has never seen: it reads nonsense.
    folder, network = roberta
    given = []
    reader = open_reader(str(folder))
    run = reader._run
    reader._run = lambda *batch: given.append(batch) or run(*batch)
    found = reader.read("who", ["Ann Bob"])
    own = PreTrainedTokenizerFast.from_pretrained(folder)("who?", "Ann Bob", return_tensors="pt")
    assert given[0][0].tolist() == own["input_ids"].tolist()
    assert not given[0][2].any()
    with torch.inference_mode():
        logits = network(input_ids=own["input_ids"], attention_mask=own["attention_mask"])
    null = float(logits.start_logits[0, 0] + logits.end_logits[0, 0])
    whole = next(iter(found))
    tokens = own.encodings[0]
    first, last = tokens.char_to_token(whole.start, 1), tokens.char_to_token(whole.end - 1, 1)
    margin = float(logits.start_logits[0, first] + logits.end_logits[0, last]) - null
    assert whole.margin == pytest.approx(margin, abs=1e-4)


def test_roberta_quotes_are_exact_and_neighbours_change_nothing(roberta):
    reader = open_reader(str(roberta[0]))
    together = reader.read("who", PASSAGES)
    assert together
    for span in together:
        assert PASSAGES[span.passage][span.start : span.end] == span.text == span.text.strip()
    alone = [span for span in reader.read("who", PASSAGES[:1])]
    assert places(alone) == places([span for span in together if span.passage == 0])
    np.testing.assert_allclose(
        [span.score for span in alone],
        [span.score for span in together if span.passage == 0],
        atol=1e-4,
    )


def test_frames_are_learnt_from_the_tokenizer():
    assert frame_of(bert_tokenizer(), "bert") == Frame((2,), (3,), (3,), 1)
    assert frame_of(roberta_tokenizer(), "roberta") == Frame((0,), (2, 2), (2,), 0)
    with pytest.raises(ModelError, match="'words': found the pair .* expected a first token"):
        frame_of(word_tokenizer(), "words")


def test_settings_put_it_in_place_of_the_shipped_reader(bert, tmp_path):
    folder = write(tmp_path / "documents", {"a.txt": "It was Ann who came in 1708 ."})
    settings = Settings(home=tmp_path / "home", reader=str(bert[0]))
    assistant = qa.open(folder, settings=settings)
    answer = assistant.ask("who came?")
    cited = (answer.citations or answer.refusal.nearest)[0]
    text = assistant.library.document(cited.document).text
    assert text[cited.start : cited.end] == cited.quote
    # Undecided heads and another scale: the shipped calibration must not judge it.
    assert assistant.calibration.fitted_on == "nothing"


def test_an_encoder_without_a_span_head_is_refused(bert, tmp_path):
    # transformers would give it a random head, and the user random answers.
    folder, network = bert
    BertModel(network.config).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"found no weights for qa_outputs\.\w+, expected an ext"):
        open_reader(str(folder))


def test_a_reader_that_is_not_on_this_machine_is_not_fetched():
    with pytest.raises(WeightsMissing, match=r"'nobody/none': found no usable .*hf download nob"):
        open_reader("nobody/none")


def test_pickled_weights_are_not_loaded(bert):
    folder, network = bert
    (folder / "model.safetensors").unlink()
    torch.save(BertForQuestionAnswering(network.config).state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(WeightsMissing, match="found no usable weights"):
        open_reader(str(folder))

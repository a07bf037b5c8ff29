"""The reader in training: one encoder, three heads, and what they are to learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, BertConfig, BertModel

from qa.train.features import Batch, Windows


@dataclass(frozen=True, slots=True)
class Logits:
    """Outputs for a batch of `n` windows of `t` tokens.

    Attributes:
        start: Shape `(n, t)`; position 0 is "no answer".
        end: Shape `(n, t)`.
        relevance: Log-odds that this passage is the question's, shape `(n,)`.
        answerability: Log-odds that it answers the question, shape `(n,)`.
    """

    start: Tensor
    end: Tensor
    relevance: Tensor
    answerability: Tensor


class ReaderModel(nn.Module):
    """BERT with a span head, a relevance head (the cross-encoder's own) and answerability."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        # Dropout stays 0: a run sees most questions once, and attention dropout would leave the
        # fused attention kernel, which doubles the time of a step.
        config.hidden_dropout_prob = 0.0
        config.attention_probs_dropout_prob = 0.0
        self.config = config
        self.bert = BertModel(config, add_pooling_layer=True)
        self.span = nn.Linear(config.hidden_size, 2)
        self.relevance = nn.Linear(config.hidden_size, 1)
        self.answerability = nn.Linear(config.hidden_size, 1)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Logits:
        """Read a batch; each argument has shape `(n, t)`, integers."""
        encoded = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types)
        hidden = encoded.last_hidden_state
        start, end = self.span(hidden).unbind(-1)
        return Logits(
            start=start,
            end=end,
            relevance=self.relevance(encoded.pooler_output).squeeze(-1),
            answerability=self.answerability(hidden[:, 0]).squeeze(-1),
        )

    @contextmanager
    def attending_plainly(self) -> Iterator[None]:
        """Attend with `attend` for a while; for where products in bf16 are fast."""
        fused = self.bert.config._attn_implementation
        self.bert.set_attn_implementation(PLAIN_ATTENTION)
        try:
            yield
        finally:
            self.bert.set_attn_implementation(fused)

    def freeze(self, layers: int) -> None:
        """Keep the embeddings and the lowest `layers` layers as they are."""
        self.bert.embeddings.requires_grad_(False)
        for layer in self.bert.encoder.layer[:layers]:
            layer.requires_grad_(False)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend with plain products in the precision of the query, as `transformers` calls it.

    The fused kernel's backward pass takes most of its time in bf16: 86 ms a layer against 32 ms
    for these products (22 windows of 190 tokens), two fifths of a training step.

    Args:
        module: The layer that attends.
        query: Shape `(n, heads, t, d)`, as are `key` and `value`.
        key: What is compared with the query.
        value: What is summed.
        attention_mask: Added to the logits, shape `(n, 1, 1, t)`.
        scaling: Factor on the products.

    Returns:
        The sums, shape `(n, t, heads, d)`, and no weights.
    """
    size, heads, length, depth = query.shape
    query, key, value = (part.reshape(-1, length, depth) for part in (query, key, value))
    bias = query.new_zeros(1, 1, 1)
    if attention_mask is not None:
        bias = attention_mask.to(query.dtype).expand(size, heads, 1, length)
        bias = bias.reshape(-1, 1, length)
    # Autocast would compute the softmax in fp32, at three times the cost.
    with torch.autocast("cpu", enabled=False):
        weights = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=scaling).softmax(-1)
        mixed = torch.bmm(weights, value)
    return mixed.view(size, heads, length, depth).transpose(1, 2), None


def padding_bias(attention_mask: Tensor | None = None, **_: Any) -> Tensor | None:
    """Return what `attend` adds to the logits: a large negative number on padding."""
    if attention_mask is None:
        return None
    return (attention_mask[:, None, None, :] == 0) * -1e4


PLAIN_ATTENTION = "citespan_plain"
AttentionInterface.register(PLAIN_ATTENTION, attend)
AttentionMaskInterface.register(PLAIN_ATTENTION, padding_bias)


def loss(
    logits: Logits,
    batch: Batch,
    taught: Logits | None = None,
    *,
    head_weight: float = 0.25,
    share: float = 0.7,
    temperature: float = 2.0,
) -> Tensor:
    """Return the mean loss of a batch: span cross-entropy plus the two heads' binary ones.

    A position's cross-entropy is that of whether the passage answers, and where it does, that of
    where. With a teacher, `share` of the second is how far the reader is from what the teacher says
    of the passage's positions (Hinton et al. 2015). Whether it answers is the annotators' alone.

    Args:
        logits: The model's outputs.
        batch: What it read, with the gold positions.
        taught: What a teacher says of `batch.written`.
        head_weight: Weight of each of the two binary losses.
        share: The teacher's part in where the answer stands, 0..1.
        temperature: Softens both distributions, so that what the teacher holds for possible, and
            not only what it holds for likeliest, is learnt.
    """
    binary = functional.binary_cross_entropy_with_logits
    answers = (batch.starts > 0).to(batch.relevant.dtype)
    heads = binary(logits.relevance, batch.relevant) + binary(logits.answerability, answers)
    passage = _passage(batch.windows)
    span = torch.zeros_like(answers)
    for name, gold in (("start", batch.starts), ("end", batch.ends)):
        own = getattr(logits, name).float()
        inside = own.masked_fill(~passage, _LOW)
        whether = binary(inside.logsumexp(-1) - own[:, 0], answers, reduction="none")
        where = functional.cross_entropy(inside, gold, reduction="none")
        if taught is not None:
            theirs = torch.full_like(own, _LOW)
            theirs[passage] = getattr(taught, name).float()[_passage(batch.written)]
            where = (1 - share) * where + share * _divergence(inside, theirs, temperature)
        span = span + (whether + answers * where) / 2
    return span.mean() + head_weight * heads


# Finite, so that what may not be predicted adds 0 and not NaN to a divergence.
_LOW = -1e4


def _passage(windows: Windows) -> Tensor:
    """Return which positions are the passage's: the allowed ones but "no answer"."""
    passage = windows.allowed.clone()
    passage[:, 0] = False
    return passage


def _divergence(own: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    """Return KL(theirs, own) of the distributions of logits of shape `(n, t)`, shape `(n,)`.

    Times the square of the temperature, which keeps its gradients at the height of those of the
    cross-entropy.
    """
    said, meant = ((one / temperature).log_softmax(-1) for one in (own, theirs))
    each = functional.kl_div(said, meant, reduction="none", log_target=True)
    return each.sum(-1) * temperature**2

"""The network: MiniLM read as a cross-encoder, with a judge of the whole and two pointers."""

import importlib
from typing import Any

import torch
from torch import nn

from benchmarks.reader.encoding import NEVER
from knowledge.retrieval.models import BUNDLED, model_folder, verify_bundled

_DROPOUT = 0.1  # of the heads


class ReaderNetwork(nn.Module):
    """Ids, mask and types of shape (n, length) into three logits.

    judged (n): whether the passage holds an answer, of the first token and the mean of all.
    pointed (n, length, 2): whether an answer starts, or ends, at a token; the first token stands
    for "no answer here".
    """

    def __init__(self, attention: str = "sdpa") -> None:
        super().__init__()
        verify_bundled(BUNDLED)
        transformers: Any = importlib.import_module("transformers")
        self.body = transformers.AutoModel.from_pretrained(
            str(model_folder(BUNDLED)),
            attn_implementation=attention,
            dtype=torch.float32,
            local_files_only=True,
            add_pooling_layer=False,
            # Drawing its random numbers takes three times as long as the rest of a step on a CPU;
            # words masked and changed in the pairs stand in for it.
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        size = self.body.config.hidden_size
        self.judge = nn.Linear(2 * size, 1)
        self.pointer = nn.Linear(size, 2)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.body(
            input_ids=ids, attention_mask=mask, token_type_ids=types
        ).last_hidden_state
        weights = mask.unsqueeze(2).to(hidden.dtype)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        whole = torch.cat([hidden[:, 0], mean], dim=1)
        judged = self.judge(self.dropout(whole)).squeeze(1)
        return judged, self.pointer(self.dropout(hidden))


def loss(
    judged: torch.Tensor, pointed: torch.Tensor, given: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Of the judge, and of the chance that the pointers give to all right places together."""
    judged, pointed = judged.float(), pointed.float()
    whole = nn.functional.binary_cross_entropy_with_logits(judged, given["answerable"])
    pointing = torch.zeros(())
    for channel, name in enumerate(("starts", "ends")):
        logits = pointed[..., channel].masked_fill(~given["pointable"], NEVER)
        right = logits.masked_fill(~given[name], NEVER)
        pointing = pointing + (logits.logsumexp(1) - right.logsumexp(1)).mean()
    return whole + pointing / 2

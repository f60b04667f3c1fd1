"""A real cross-encoder of three kilobytes, with weights of chance."""

import importlib
from pathlib import Path

WORDS = ["leave", "cat", "dog", "office", "how", "long", "is", "days", "annual", "carried", "over"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tiny_reranker(folder: Path) -> str:
    """Write a BERT for sequence classification with one output; returns its folder."""
    torch = importlib.import_module("torch")  # seconds: only where a test needs it
    transformers = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *WORDS]))
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        num_labels=1,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)

"""Tiny random sentence-transformers models with a tokenizer of their own, made on the spot."""

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SOME = "the a cat dog sleeps runs leave annual days rain roof falls on error query passage e 1 7"
WORDS = [*_SOME.split(), *":.,?!-"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789äöüéß員工年假")


@dataclass(frozen=True)
class Tiny:
    """What the model says of itself."""

    pooling: str = "mean"
    is_normalised: bool = True
    similarity: str = ""
    prompts: dict[str, str] | None = None
    architecture: str = "bert"
    window: int = 48
    seed: int = 7
    dense: int = 0  # the size of a further layer


def make_model(folder: Path, tiny: Tiny | None = None) -> Path:
    """Write a model into a folder and return it."""
    tiny = tiny or Tiny()
    folder.mkdir(parents=True, exist_ok=True)
    size = _tokenizer(folder)
    _network(folder, tiny, size)
    modules = ["Transformer", "Pooling"]
    _json(
        folder / "1_Pooling/config.json",
        {"word_embedding_dimension": 32, f"pooling_mode_{_LEGACY[tiny.pooling]}": True},
    )
    if tiny.dense:
        _dense(folder, tiny)
        modules.append("Dense")
    if tiny.is_normalised:
        modules.append("Normalize")
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Dense": "2_Dense", "Normalize": "3_Norm"}
    (folder / "3_Norm").mkdir(exist_ok=True)
    listed = [
        {"idx": at, "name": str(at), "path": paths[name], "type": _MODULE + name}
        for at, name in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    _json(folder / "sentence_bert_config.json", {"max_seq_length": tiny.window})
    said: dict[str, Any] = {"prompts": tiny.prompts or {}}
    if tiny.similarity:
        said["similarity_fn_name"] = tiny.similarity
    _json(folder / "config_sentence_transformers.json", said)
    return folder


_MODULE = "sentence_transformers.models."
_LEGACY = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}
_LEGACY["lasttoken"] = "lasttoken"


def _tokenizer(folder: Path) -> int:
    # Imported late, as everywhere: whoever only collects tests should not wait for torch.
    library: Any = importlib.import_module("tokenizers")
    transformers: Any = importlib.import_module("transformers")
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys([*specials, *WORDS, *LETTERS, *(f"##{each}" for each in LETTERS)])
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = library.Tokenizer(library.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = library.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = library.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    ).save_pretrained(str(folder))
    return len(vocabulary)


def _network(folder: Path, tiny: Tiny, vocabulary: int) -> None:
    transformers: Any = importlib.import_module("transformers")
    importlib.import_module("torch").manual_seed(tiny.seed)
    config = transformers.AutoConfig.for_model(
        tiny.architecture,
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=80,
        pad_token_id=0,
        # Larger than the usual, so that other texts give clearly other vectors.
        initializer_range=0.3,
    )
    transformers.AutoModel.from_config(config).save_pretrained(str(folder))


def _dense(folder: Path, tiny: Tiny) -> None:
    modules: Any = importlib.import_module("sentence_transformers.base.modules")
    (folder / "2_Dense").mkdir(exist_ok=True)
    modules.Dense(in_features=32, out_features=tiny.dense).save(str(folder / "2_Dense"))


def _json(file: Path, values: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values))

"""How a sentence-transformers folder wants its texts and makes its vectors. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from knowledge.retrieval.jsonfiles import read_json, read_json_list
from knowledge.retrieval.types import EmbedderUnavailable

Metric = Literal["cosine", "dot"]

# Their forward takes input_ids and attention_mask, and they have no code of their own.
EXPORTABLE = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "mpnet"}
)
POOLINGS = frozenset({"mean", "cls", "max"})
_LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# The library's own names of its similarity functions.
_METRICS: dict[str, Metric] = {"cosine": "cosine", "dot": "dot", "dot_product": "dot"}
_LONGEST = 512  # tokens, where a model says nothing: what BERT's positions allow


@dataclass(frozen=True)
class Recipe:
    """What turns a text into this model's vector.

    Attributes:
        architecture: the transformer's ``model_type``.
        transformer: the folder of its configuration and tokenizer, below the model's.
        pooling: how the vectors of the tokens become one; several joined by ``+``.
        is_simple: transformer, pooling and perhaps a normalisation are all there is.
        metric: how its vectors are compared. ``dot`` only where their length says something.
        query_prompt: what the model's authors put before a question, ``passage_prompt`` a passage.
        max_tokens: its window, special tokens included.
        lowercases: texts are lowered before they reach the tokenizer.
    """

    architecture: str
    transformer: str
    pooling: str
    is_simple: bool
    metric: Metric
    query_prompt: str
    passage_prompt: str
    max_tokens: int
    dimension: int
    lowercases: bool

    @property
    def is_exportable(self) -> bool:
        """Whether it may run without torch; whether it does so rightly is measured."""
        return self.is_simple and self.architecture in EXPORTABLE and self.pooling in POOLINGS


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a model's folder; raises EmbedderUnavailable."""
    modules = _modules(folder)
    transformer = folder / modules.get("Transformer", "")
    config = read_json(transformer / "config.json")
    pooling = read_json(folder / modules["Pooling"] / "config.json") if "Pooling" in modules else {}
    sizes = read_json(transformer / "sentence_bert_config.json")
    prompts = read_json(folder / "config_sentence_transformers.json")
    return Recipe(
        architecture=str(config.get("model_type", "")),
        transformer=modules.get("Transformer", ""),
        pooling="+".join(_pooling(pooling)),
        is_simple=set(modules) <= {"Transformer", "Pooling", "Normalize"}
        and pooling.get("include_prompt", True) is True,
        metric=_metric(prompts, is_normalised="Normalize" in modules),
        query_prompt=_prompt(prompts, "query"),
        passage_prompt=_prompt(prompts, "document", "passage", "corpus"),
        max_tokens=_max_tokens(transformer, config, sizes),
        dimension=_dimension(folder, modules, config, pooling),
        lowercases=sizes.get("do_lower_case") is True,
    )


def _modules(folder: Path) -> dict[str, str]:
    """The folder of each module by its class; without a list, as the library guesses it."""
    listed = read_json_list(folder / "modules.json")
    if not listed:
        return {"Transformer": "", "Pooling": ""} if (folder / "config.json").is_file() else {}
    try:
        return {str(each["type"]).rpartition(".")[2]: str(each["path"]) for each in listed}
    except (KeyError, TypeError) as error:
        raise EmbedderUnavailable("modules.json of the embedding model cannot be read.") from error


def _pooling(config: dict[str, Any]) -> list[str]:
    said = config.get("pooling_mode")
    if isinstance(said, str):
        return [said]
    if isinstance(said, list) and said:
        return [str(each) for each in said]
    return [mode for key, mode in _LEGACY_POOLING.items() if config.get(key)] or ["mean"]


def _metric(config: dict[str, Any], *, is_normalised: bool) -> Metric:
    name = str(config.get("similarity_fn_name") or "cosine")
    if is_normalised:
        return "cosine"  # of unit vectors every measure gives the same order
    if name not in _METRICS:
        raise EmbedderUnavailable(
            f"The embedding model compares its vectors by {name}, which no index here does. "
            "Choose one that compares by cosine or by dot product."
        )
    return _METRICS[name]


def _prompt(config: dict[str, Any], *names: str) -> str:
    prompts = config.get("prompts")
    if not isinstance(prompts, dict):
        return ""
    default = config.get("default_prompt_name")
    return next((str(prompts[name]) for name in (*names, default) if prompts.get(name)), "")


def _max_tokens(transformer: Path, config: dict[str, Any], sizes: dict[str, Any]) -> int:
    said = sizes.get("max_seq_length")
    if isinstance(said, int) and said > 0:
        return said
    limits = [
        read_json(transformer / "tokenizer_config.json").get("model_max_length"),
        config.get("max_position_embeddings"),
    ]
    # A tokenizer without a limit says 10**30.
    return int(min((each for each in limits if isinstance(each, int)), default=_LONGEST))


def _dimension(
    folder: Path, modules: dict[str, str], config: dict[str, Any], pooling: dict[str, Any]
) -> int:
    if "Dense" in modules:
        found = read_json(folder / modules["Dense"] / "config.json").get("out_features")
    else:
        size = pooling.get("embedding_dimension") or pooling.get("word_embedding_dimension")
        each = size or config.get("hidden_size") or config.get("dim")
        found = each * len(_pooling(pooling)) if isinstance(each, int) else None
    if not isinstance(found, int) or found <= 0:
        raise EmbedderUnavailable(
            f"The embedding model in {folder.name!r} does not say its dimension."
        )
    return found

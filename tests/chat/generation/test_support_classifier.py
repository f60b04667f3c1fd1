"""SUPPORT_MODEL: any sequence classifier, loaded as it would be, on a tiny one made here."""

from pathlib import Path

import pytest

from chat.generation.sentences import written_sentences
from chat.generation.support.checking import Tools, check
from chat.generation.support.classifier import SupportClassifier, supporting_label
from tests.chat.generation.test_quoting import passage

NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT of 32 dimensions with random weights and a vocabulary of a few words."""
    import torch  # noqa: PLC0415 - seconds, for this module alone
    from transformers import (  # noqa: PLC0415
        BertConfig,
        BertForSequenceClassification,
        BertTokenizerFast,
    )

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "leave", "weeks", "paid", "full", "is"]
    words += ["in", "the", "of", "18", "are", "not"]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=NLI,
        label2id={name: at for at, name in NLI.items()},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_a_model_is_loaded_from_its_folder_and_gives_a_chance_a_pair(tiny: Path) -> None:
    model = SupportClassifier(str(tiny))
    pairs = [("leave is paid in full " * 40, "18 weeks are paid"), ("the leave", "not paid")]
    first = model.classify(pairs)
    assert all(chance is not None and 0 <= chance <= 1 for chance in first)
    assert model.classify(pairs) == first
    assert model.classify([]) == []


def test_the_order_of_labels_is_read_from_the_model(tiny: Path, tmp_path: Path) -> None:
    """Two models with the same weights and other names give each other's chances."""
    import json  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    other = shutil.copytree(tiny, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["id2label"] = {"0": "ENTAILMENT", "1": "NEUTRAL", "2": "CONTRADICTION"}
    (other / "config.json").write_text(json.dumps(config))
    pair = [("leave is paid", "paid leave")]
    [one], [two] = (
        SupportClassifier(str(tiny)).classify(pair),
        SupportClassifier(str(other)).classify(pair),
    )
    assert one is not None
    assert two is not None
    assert one != two
    assert one + two <= 1.0


@pytest.mark.parametrize(
    ("labels", "index"),
    [
        (NLI, 2),
        ({0: "ENTAILMENT", 1: "not_entailment"}, 0),
        ({0: "unsupported", 1: "supported"}, 1),
        ({0: "LABEL_0", 1: "LABEL_1"}, 1),
        ({0: "inconsistent", 1: "consistent"}, 1),
        ({0: "score"}, -1),
    ],
)
def test_the_label_that_means_supported_is_found(labels: dict[int, str], index: int) -> None:
    assert supporting_label(labels) == index


def test_labels_that_tell_nothing_are_refused_rather_than_guessed() -> None:
    with pytest.raises(ValueError, match="no label"):
        supporting_label({0: "A", 1: "B", 2: "C"})


def test_a_model_that_does_not_load_leaves_the_verdicts_as_they_were(tmp_path: Path) -> None:
    model = SupportClassifier(str(tmp_path / "nothing"))
    assert model.classify([("a", "b")]) == [None]
    text = "Weeks 1 to 18 are paid in full [1]."
    cited = {1: passage("Weeks 1 to 18 are paid in full.")}
    [one] = check(text, written_sentences(text), cited, Tools(classify=model.classify))
    assert one.sentence.support == "supported"


@pytest.mark.parametrize("broken", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_file_leaves_the_verdicts_as_they_were(
    tiny: Path, tmp_path: Path, broken: str
) -> None:
    import shutil  # noqa: PLC0415

    damaged = shutil.copytree(tiny, tmp_path / "damaged")
    (damaged / broken).write_bytes(b"not what it should be" * 9)
    assert SupportClassifier(str(damaged)).classify([("leave", "paid")]) == [None]


def test_a_classifier_decides_what_is_open_and_no_finding() -> None:
    cited = {1: passage("Weeks 1 to 18 are paid in full. Leave lasts 52 weeks.")}
    text = "Weeks 1 to 20 are paid in full [1]. Absence may go on for about a year [1]."

    def sure(pairs):  # type: ignore[no-untyped-def]
        return [0.95 for _ in pairs]

    def doubtful(pairs):  # type: ignore[no-untyped-def]
        return [0.5 for _ in pairs]

    sentences = written_sentences(text)
    yes = check(text, sentences, cited, Tools(classify=sure))
    assert [one.sentence.support for one in yes] == ["unsupported", "supported"]
    open_ones = check(text, sentences, cited, Tools(classify=doubtful))
    assert [one.sentence.support for one in open_ones] == ["unsupported", "unknown"]

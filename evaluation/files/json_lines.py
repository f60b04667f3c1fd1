"""Our own format: a line a question, with the quotes that answer it."""

from collections.abc import Iterator

from evaluation.files.fields import ANSWERABLE_KEYS, Reader
from evaluation.files.reading import objects_of
from evaluation.files.values import BadFile, NewEvidence, NewQuestion, key_of, kind_of
from evaluation.models import Question


def from_lines(text: str) -> Iterator[NewQuestion]:
    """The question of each line; raises BadFile."""
    for line, values in objects_of(text):
        try:
            yield _of_line(line, Reader(values))
        except ValueError as error:
            raise BadFile(str(error), line) from error


def _of_line(line: int, values: Reader) -> NewQuestion:
    values.refuse_unknown()
    text = values.text("question", needed=True)
    history = values.turns("history")
    evidence = tuple(
        NewEvidence(
            document=one.document(),
            quote=one.quote(),
            grade=one.whole("grade", 1, 1, 3),
            position=one.share("position"),
        )
        for one in values.objects("evidence")
    )
    expected = values.text("expected")
    is_answerable = values.flag("answerable", default=bool(evidence or expected))
    if evidence and not is_answerable:
        raise ValueError("A question that nothing answers has no evidence.")
    groups = values.texts("groups")
    return NewQuestion(
        line=line,
        key=values.text("id")[:100] or key_of(text, history),
        text=text,
        evidence=evidence,
        history=history,
        language=values.text("language")[:20],
        kind=values.choice("kind", Question.Kind.values) or kind_of(is_answerable, groups),
        expected_outcome=ANSWERABLE_KEYS[is_answerable],
        reference_answer=expected,
        must_include=values.texts("must_include"),
        as_groups=groups,
        status=values.choice("status", Question.Status.values) or None,
    )

"""Files of questions into values: our JSON lines, the public sets' format, and SQuAD.

All that a file can be wrong in is said with its line (SQuAD has no lines: with the number of the
question), and nothing here touches the database.
"""

from pathlib import Path

from evaluation.files.json_lines import from_lines
from evaluation.files.public import QUESTIONS, from_public
from evaluation.files.reading import text_of
from evaluation.files.squad import from_squad, squad_articles
from evaluation.files.values import BadFile, NewEvidence, NewQuestion

__all__ = ["BadFile", "NewEvidence", "NewQuestion", "read", "read_bytes"]

MAX_QUESTIONS = 20_000


def read(path: Path) -> list[NewQuestion]:
    """The questions of a file or of a public set's folder.

    Raises:
        BadFile: it is not one of the three formats, or a line of it is wrong.
    """
    if path.is_dir() or path.name.startswith(QUESTIONS):
        return _distinct(from_public(path if path.is_dir() else path.parent))
    try:
        return read_bytes(path.read_bytes())
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def read_bytes(data: bytes) -> list[NewQuestion]:
    """The questions of an upload: JSON lines or SQuAD, gzipped or not."""
    text = text_of(data)
    squad = squad_articles(text)
    found = list(from_squad(squad) if squad is not None else from_lines(text))
    if not found:
        raise BadFile("There are no questions in this file.")
    return _distinct(found)


def _distinct(questions: list[NewQuestion]) -> list[NewQuestion]:
    if len(questions) > MAX_QUESTIONS:
        raise BadFile(f"A file may have at most {MAX_QUESTIONS} questions.")
    seen: dict[str, int] = {}
    for question in questions:
        if question.key in seen:
            raise BadFile(f"The same question stands in line {seen[question.key]}.", question.line)
        seen[question.key] = question.line
    return questions

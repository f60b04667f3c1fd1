"""Bytes into lines: unpacked within a limit, decoded, and each line one JSON object."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

from evaluation.files.values import BadFile

MAX_BYTES = 256 * 1024 * 1024  # unpacked: SQuAD's largest file has 42 MB
_GZIP = b"\x1f\x8b"


def text_of(data: bytes) -> str:
    """The text of a file, gzipped or not; raises BadFile."""
    if data.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BadFile("The file is damaged: it does not unpack.") from error
    if len(data) > MAX_BYTES:
        raise BadFile(f"The file has more than {MAX_BYTES // 2**20} MB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile("This is not UTF-8. Save the file as UTF-8.", line) from error


def objects_of(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line that is not blank, from 1, as the JSON object that it is."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadFile("This is not JSON.", number) from error
        if not isinstance(values, dict):
            raise BadFile("Each line must be one JSON object.", number)
        yield number, values

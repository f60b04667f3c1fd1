"""Sending a file in pieces, on either kind of server."""

from collections.abc import AsyncIterator, Iterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

PIECE_BYTES = 64 * 1024


class Pieces:
    """The file's bytes; Django closes it with the answer, read to its end or not."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._file.close()


class AsyncPieces:
    """The same for a server that waits for many readers in one thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # A slow reader must not hold the database connection that wrote the file.
        await sync_to_async(connections.close_all)()
        while piece := await sync_to_async(self._file.read)(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._file.close()


def download(
    request: HttpRequest, file: IO[bytes], name: str, content_type: str
) -> StreamingHttpResponse:
    """An attachment that never lies in memory as a whole."""
    pieces = AsyncPieces(file) if isinstance(request, ASGIRequest) else Pieces(file)
    return StreamingHttpResponse(
        pieces,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )

"""Small files, made in the test that needs them."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import docx
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from knowledge.ingestion.sniffing import SUPPORTED, recognise
from knowledge.ingestion.types import SourceFile

__all__ = ["SUPPORTED", "SourceFile"]


def source(path: Path) -> SourceFile:
    return SourceFile(path, path.name, recognise(path.read_bytes()[:4096], path.name))


def pdf(path: Path, pages: Sequence[Sequence[str]], password: str = "") -> Path:
    """A PDF with these lines on its pages; a page without lines shows a grey box alone."""
    canvas = Canvas(str(path), pagesize=A4, encrypt=password or None)
    for lines in pages:
        if lines:
            canvas.bookmarkPage(lines[0])
            canvas.addOutlineEntry(lines[0], lines[0])
        else:
            canvas.rect(50, 50, 100, 100, fill=1)
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - 16 * number, line)
        canvas.showPage()
    canvas.save()
    return path


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("Leave", 1)
    document.add_paragraph("Everyone has thirty days.")
    document.add_heading("Carrying over", 2)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Year", "Days", "2024", "twelve|13"), strict=True):
        cell.text = text
    document.save(str(path))
    return path


def with_part(path: Path, name: str, content: bytes) -> Path:
    """A Word file with one part replaced or added."""
    kept = zipfile.ZipFile(word(path))
    parts = {entry.filename: kept.read(entry) for entry in kept.infolist()}
    kept.close()
    parts[name] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    return path


def flate_bomb(path: Path, operators: int = 3_000_000) -> Path:
    """A PDF of a few kilobytes whose one page draws text millions of times."""
    content = zlib.compress(
        b"BT /F1 12 Tf 1 0 0 1 10 10 Tm " + b"(aaaa) Tj " * operators + b"ET", 9
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources %b >>"
        % b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content),
    ]
    return _raw_pdf(path, objects)


def page_bomb(path: Path, pages: int) -> Path:
    """A PDF that lists its one page again and again."""
    kids = b" ".join([b"3 0 R"] * pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>",
    ]
    return _raw_pdf(path, objects)


def _raw_pdf(path: Path, objects: Sequence[bytes]) -> Path:
    out = io.BytesIO(b"%PDF-1.5\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1))
    out.write(b"startxref\n%d\n%%%%EOF\n" % table)
    path.write_bytes(out.getvalue())
    return path

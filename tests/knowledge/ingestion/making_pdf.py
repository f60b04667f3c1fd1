"""PDF files with tables, columns, headers and pictures, made in the test that needs them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Table

STYLES = getSampleStyleSheet()
WORDS = "Everyone who works from home may ask for a desk, a chair and a screen of their own. "
GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)]
BELOW = [("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.black)]
BOOK = [
    ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
    ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
    ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
]

Draw = Callable[[Canvas, object], None]


def flowing(path: Path, story: Sequence[Flowable], draw: Draw | None = None) -> Path:
    """A laid-out document; ``draw`` is called on each page."""
    template = SimpleDocTemplate(str(path), pagesize=A4)
    if draw is None:
        template.build(list(story))
    else:
        template.build(list(story), onFirstPage=draw, onLaterPages=draw)
    return path


def paragraph(text: str = WORDS * 4, style: str = "BodyText") -> Paragraph:
    return Paragraph(text, STYLES[style])


def table(
    rows: Sequence[Sequence[str]], style: Sequence[tuple[object, ...]], **given: object
) -> Table:
    made = Table([list(row) for row in rows], **given)
    made.setStyle(list(style))
    return made


def new_page() -> PageBreak:
    return PageBreak()


def drawn(path: Path, pages: Sequence[Sequence[tuple[float, float, str]]], size: int = 10) -> Path:
    """Words at places, in the order given; a page of none shows nothing."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        canvas.setFont("Helvetica", size)
        for x, y, text in page:
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return path


def scanned(path: Path, picture: Path, pages: int, stamp: str = "") -> Path:
    """Pages that a picture covers, with a stamp of the scanner's on each."""
    canvas = Canvas(str(path), pagesize=A4)
    for _ in range(pages):
        canvas.drawImage(str(picture), 0, 0, width=A4[0], height=A4[1])
        if stamp:
            canvas.drawString(60, 30, stamp)
        canvas.showPage()
    canvas.save()
    return path

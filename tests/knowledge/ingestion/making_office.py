"""Small Office files and archives, made in the test that needs them."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
import pptx
from pptx.util import Inches

DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


def presentation(path: Path) -> Path:
    """Four slides: a list with notes, a table beside a text, a picture alone, nothing at all."""
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Leave policy"
    body = first.placeholders[1].text_frame
    body.text = "Thirty days a year"
    point = body.add_paragraph()
    point.text, point.level = "Ten may be carried over", 1
    first.notes_slide.notes_text_frame.text = "Mention the exception for parents."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    table = second.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(5), Inches(1)).table
    for place, text in enumerate(("Region", "Days", "North", "30 | 31")):
        table.cell(place // 2, place % 2).text = text
    box = second.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1))
    box.text_frame.text = "Above the table"
    third = deck.slides.add_slide(deck.slide_layouts[6])
    third.shapes.add_picture(str(picture(path.with_suffix(".png"))), Inches(1), Inches(1))
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(str(path))
    return path


def picture(path: Path) -> Path:
    """A PNG of one grey pixel."""
    path.write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
            "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
        )
    )
    return path


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(str(path))
    return path


def changed(path: Path, parts: Mapping[str, bytes], without: Sequence[str] = ()) -> Path:
    """The archive with some parts replaced, added or left out."""
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name not in without}
    return packed(path, {**kept, **parts})


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def lying_about_its_size(path: Path, name: str, size: int) -> Path:
    """The archive whose directory and local header say another unpacked size of a member."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo(name).header_offset
    struct.pack_into("<L", data, offset + 22, size)
    entry = data.index(b"PK\x01\x02")
    while data[entry + 46 : entry + 46 + len(name)] != name.encode():
        entry = data.index(b"PK\x01\x02", entry + 4)
    struct.pack_into("<L", data, entry + 24, size)
    path.write_bytes(data)
    return path


def overlapping(path: Path, members: int = 200, size: int = 200_000) -> Path:
    """An archive whose directory lists one packed member again and again (Fifield's bomb)."""
    packed(path, {"a.txt": b"0" * size})
    data = path.read_bytes()
    entry = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    directory = b"".join(
        data[entry : entry + 46] + f"{number:05d}"[:5].encode() + data[entry + 51 : end]
        for number in range(members)
    )
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, members, members, len(directory), entry, 0)
    path.write_bytes(data[:entry] + directory + tail)
    return path

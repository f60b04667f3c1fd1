"""The name and the bytes of a file must agree."""

import pytest

from knowledge.ingestion.sniffing import MediaType, clean_file_name, recognise
from knowledge.ingestion.types import UnreadableFile, UnsupportedFile

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
ZIP = b"PK\x03\x04" + b"\x00" * 26


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"# Title\n", "a.md", MediaType.MARKDOWN),
        ("Größe\n".encode("cp1252"), "a.TXT", MediaType.TEXT),
        (b"\xff\xfeH\x00i\x00", "a.txt", MediaType.TEXT),
        (b"<!doctype html><p>Hi", "a.htm", MediaType.HTML),
        (b"\n%PDF-1.7\n", "report.pdf", MediaType.PDF),
        (ZIP + b"[Content_Types].xml", "a.docx", MediaType.DOCX),
        (ZIP + b"word/document.xml", "a.docx", MediaType.DOCX),
        (ZIP + b"ppt/presentation.xml", "a.PPTX", MediaType.PPTX),
        (ZIP + b"docProps/app.xml", "a.xlsx", MediaType.XLSX),
        (b"a;b\n1;2\n", "a.csv", MediaType.CSV),
        (b"a\tb\n1\t2\n", "a.tsv", MediaType.TSV),
        (ZIP + b"leave.md", "a.zip", MediaType.ZIP),
        (b"PK\x05\x06" + b"\x00" * 18, "a.zip", MediaType.ZIP),
    ],
)
def test_a_file_that_is_what_its_name_says_is_recognised(head, name, expected):
    assert recognise(head, name) is expected


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (PNG, "a.pdf"),
        (PNG, "a.md"),
        (b"\x7fELF\x02\x01\x01\x00", "a.txt"),
        (b"%PDF-1.7\n", "a.md"),
        (b"{\\rtf1\\ansi", "a.txt"),
        (bytes(range(256)) * 4, "a.md"),
        (b"plain words", "a.pdf"),
        (ZIP + b"xl/workbook.xml", "a.docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.docx"),
        (b"words", "a.exe"),
        (b"words", "noextension"),
        (b"words", ".md"),
        (ZIP + b"word/document.xml", "a.pptx"),
        (ZIP + b"ppt/presentation.xml", "a.xlsx"),
        (ZIP + b"leave.md", "a.csv"),
        (b"words", "a.zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.csv"),
    ],
)
def test_a_file_that_is_something_else_is_refused_with_a_sentence(head, name):
    with pytest.raises(UnsupportedFile) as caught:
        recognise(head, name)
    assert caught.value.sentence.endswith(".")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.docx", "Save it as DOCX without a password"),
        ("a.xlsx", "Save it as XLSX without a password"),
        ("a.doc", "old Office format. Save it as DOCX"),
        ("a.ppt", "old Office format. Save it as PPTX"),
        ("a.xls", "old Office format. Save it as XLSX"),
        ("a.docm", "macros are not taken. Save it as DOCX"),
        ("a.pptm", "macros are not taken. Save it as PPTX"),
        ("a.xlsm", "macros are not taken. Save it as XLSX"),
    ],
)
def test_an_office_file_of_another_kind_is_told_what_to_do(name, sentence):
    with pytest.raises(UnsupportedFile, match=sentence):
        recognise(b"\xd0\xcf\x11\xe0\xa1\xb1", name)


def test_an_office_file_with_a_password_says_so():
    directory = "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(UnsupportedFile, match="needs a password"):
        recognise(b"\xd0\xcf\x11\xe0\xa1\xb1" + b"\0" * 500 + directory, "a.pptx")


def test_an_empty_file_is_said_to_be_empty():
    with pytest.raises(UnreadableFile, match="empty"):
        recognise(b"", "a.md")


def test_a_browsers_word_counts_only_for_a_name_without_an_extension():
    assert recognise(b"words", "notes", "text/plain; charset=utf-8") is MediaType.TEXT
    with pytest.raises(UnsupportedFile):
        recognise(b"words", "notes.exe", "text/plain")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\temp\\report.pdf", "report.pdf"),
        ("a\x00b\u202egpj.md", "abgpj.md"),
        ("Cafe\u0301.md", "Café.md"),
        ("  two   words .md ", "two words .md"),
        ("", "document"),
        ("..", "document"),
        ("CON.txt", "CON.txt"),
        ("a\u2066b\x1b[0m.md", "ab[0m.md"),
    ],
)
def test_a_name_is_made_fit_for_display(name, shown):
    assert clean_file_name(name) == shown


def test_a_long_name_keeps_its_extension():
    shown = clean_file_name("x" * 500 + ".pdf")
    assert len(shown) == 200
    assert shown.endswith("x.pdf")

"""Workbooks and CSV files become tables whose columns have names."""

from datetime import datetime

import openpyxl
import pytest

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.types import LimitExceeded, Limits, UnreadableFile
from tests.knowledge.ingestion import making, making_office

LEAVE = [["Region", "Days"], ["North", 30], ["South", 28]]


def load(path, limits=Limits()):  # noqa: B008 - frozen
    return loader_for(making.source(path).media_type).load(path, limits, lambda *_: None)


def csv(tmp_path, data, limits=Limits(), name="a.csv"):  # noqa: B008 - frozen
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load(path, limits)


def test_each_sheet_is_a_heading_with_its_tables(tmp_path):
    rows = [["Leave by region"], *LEAVE, [], ["See the handbook."]]
    extracted = load(
        making_office.workbook(
            tmp_path / "a.xlsx", {"Leave": rows, "Pay": [["Grade", "€"], ["A", 1]]}
        )
    )
    assert extracted.text == (
        "# Leave\n\nLeave by region\n\n| Region | Days |\n| --- | --- |\n| North | 30 |\n"
        "| South | 28 |\n\nSee the handbook.\n\n# Pay\n\n| Grade | € |\n| --- | --- |\n| A | 1 |"
    )
    assert [heading.title for heading in extracted.outline] == ["Leave", "Pay"]
    assert extracted.is_complete


def test_cells_are_written_as_a_reader_sees_them(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["What", "Value"])
    values = [
        0.125, 2.0, 1 / 3, True, datetime.fromisoformat("2024-03-01"),
        datetime.fromisoformat("2024-03-01T14:30"), "two\nlines | bar",
    ]  # fmt: skip
    for value in values:
        sheet.append(["x", value])
    sheet["B2"].number_format = "0.0%"
    book.save(str(tmp_path / "a.xlsx"))
    rows = load(tmp_path / "a.xlsx").text.splitlines()[4:]
    assert [row.split(" | ", 1)[1].removesuffix(" |") for row in rows] == [
        "12.5%", "2", "0.333333333333333", "TRUE", "2024-03-01", "2024-03-01 14:30",
        "two lines \\| bar",
    ]  # fmt: skip


def test_formulas_are_never_evaluated(tmp_path):
    rows = [["Sum", "Note"], ["=1+1", "a"], ['=WEBSERVICE("http://x.example/")', "b"]]
    extracted = load(making_office.workbook(tmp_path / "a.xlsx", {"S": rows}))
    assert "| a |" in extracted.text
    assert "WEBSERVICE" not in extracted.text
    assert "2 cells hold formulas without a stored result" in extracted.warnings[0]


def test_a_formulas_stored_result_is_read(tmp_path):
    path = making_office.workbook(tmp_path / "a.xlsx", {"S": [["Sum", "n"], ["=1+1", 1]]})
    with making.zipfile.ZipFile(path) as package:
        sheet = package.read("xl/worksheets/sheet1.xml")
    stored = sheet.replace(b"<v/></c>", b"<v>2</v></c>").replace(b"<v></v></c>", b"<v>2</v></c>")
    extracted = load(making_office.changed(path, {"xl/worksheets/sheet1.xml": stored}))
    assert "| 2 | 1 |" in extracted.text
    assert extracted.warnings == ()


def test_hidden_sheets_are_left_out_and_named(tmp_path):
    book = openpyxl.load_workbook(
        making_office.workbook(tmp_path / "a.xlsx", {"Open": LEAVE, "Lists": [["secret", "x"]]})
    )
    book["Lists"].sheet_state = "hidden"
    book.save(str(tmp_path / "a.xlsx"))
    extracted = load(tmp_path / "a.xlsx")
    assert "secret" not in extracted.text
    assert extracted.warnings == ("Hidden sheets are not read: Lists.",)


def test_a_cell_in_the_last_row_and_column_costs_nothing(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Name", "Days"])
    book.active.append(["North", 30])
    book.active["XFD1048576"] = "far away"
    book.save(str(tmp_path / "a.xlsx"))
    extracted = load(tmp_path / "a.xlsx")
    assert extracted.text.endswith("| Name | Days |\n| --- | --- |\n| North | 30 |")


def test_what_stands_far_below_an_empty_stretch_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Above", "1"])
    book.active.cell(row=25_000, column=1, value="Far below")
    book.save(str(tmp_path / "a.xlsx"))
    extracted = load(tmp_path / "a.xlsx")
    assert "Above" in extracted.text
    assert "Far below" in extracted.text
    assert extracted.is_complete


def test_rows_and_columns_beyond_the_limits_are_left_out_with_a_warning(tmp_path):
    rows = [[f"c{number}" for number in range(6)]] * 5
    path = making_office.workbook(tmp_path / "a.xlsx", {"S": rows})
    extracted = load(path, Limits(max_rows=3, max_columns=4))
    assert extracted.text.count("c3") == 3
    assert "c4" not in extracted.text
    assert not extracted.is_complete
    assert [warning.partition(";")[0] for warning in extracted.warnings] == [
        "The sheet “S” has more than 3 rows",
        "The sheet “S” has more than 4 columns",
    ]


def test_a_workbook_without_text_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="no text"):
        load(making_office.workbook(tmp_path / "a.xlsx", {"S": [[None]]}))


def test_a_damaged_workbook_is_said_to_be_damaged(tmp_path):
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"):
        path = making_office.workbook(tmp_path / "a.xlsx", {"S": LEAVE})
        with pytest.raises(UnreadableFile, match=r"damaged or is not an Excel workbook"):
            load(making_office.changed(path, {part: b"<x"}))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_of_a_csv_file_is_found(tmp_path, separator):
    rows = [["Region, land", "Days"], ["North; far", "30"], ["South", "2,5"]]
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    assert csv(tmp_path, text).text == (
        "| Region, land | Days |\n| --- | --- |\n| North; far | 30 |\n| South | 2,5 |"
    )


def test_commas_within_cells_do_not_hide_the_semicolons(tmp_path):
    extracted = csv(tmp_path, "Lorem, ipsum;dolor;amet\nsed, do;a;b\nut;et, dolore;c\n")
    assert "| sed, do | a | b |" in extracted.text


def test_excels_own_first_line_names_the_separator(tmp_path):
    assert csv(tmp_path, "sep=;\na;b\n1,5;2\n").text == "| a | b |\n| --- | --- |\n| 1,5 | 2 |"


def test_a_tsv_file_is_read_with_tabs(tmp_path):
    assert csv(tmp_path, "a\tb\n1, 2\t3\n", name="a.tsv").text.endswith("| 1, 2 | 3 |")


def test_quoted_line_ends_stay_within_their_cell(tmp_path):
    assert '| two lines | "x" |' in csv(tmp_path, 'a,b\n"two\nlines","""x"""\n').text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "cp1251"])
def test_a_csv_file_may_have_any_encoding(tmp_path, encoding):
    words = "Отпуск,Дней\nСевер,тридцать\n" if encoding == "cp1251" else "Größe,Naïve\nKöln,é\n"
    first = words.split(",", maxsplit=1)[0]
    assert csv(tmp_path, words.encode(encoding)).text.startswith(f"| {first} |")


def test_a_column_alone_is_a_table_and_short_rows_are_filled(tmp_path):
    assert csv(tmp_path, "Name\nAda\nBo\n").text == "| Name |\n| --- |\n| Ada |\n| Bo |"
    assert csv(tmp_path, "a,b,c\n1\n1,2,3,4\n").text.endswith("| 1 |  |  |  |\n| 1 | 2 | 3 | 4 |")


def test_formulas_and_nul_in_a_csv_file_are_text(tmp_path):
    extracted = csv(tmp_path, b"a,b\n=cmd|' /C calc'!A0,x\n" + b"1,2\n" * 1200 + b"x\x00y,3\n")
    assert "=cmd" in extracted.text
    assert "\x00" not in extracted.text


def test_a_csv_file_beyond_the_limits(tmp_path):
    data = "a,b\n" + "1,2\n" * 50
    extracted = csv(tmp_path, data, Limits(max_rows=10))
    assert extracted.text.count("| 1 |") == 9
    assert not extracted.is_complete
    assert extracted.warnings[0].startswith("The table has more than 10 rows")
    with pytest.raises(LimitExceeded, match="characters"):
        csv(tmp_path, data, Limits(max_characters=100))


def test_broken_quotes_do_not_break_the_reader(tmp_path):
    assert "never closed" in csv(tmp_path, 'a,b\n"never closed,1\n2,3\n').text

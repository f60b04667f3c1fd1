"""Any bytes become text that databases, JSON and people can take."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import decode, html_charset

WORDS = "Molière wrote “Le Misanthrope” – in 1666."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_every_common_encoding_is_read(encoding):
    assert decode(WORDS.encode(encoding)) == WORDS


def test_a_declared_charset_is_used_where_it_is_not_utf_8():
    page = '<meta charset="windows-1251"><p>Привет'.encode("windows-1251")
    assert decode(page, html_charset(page)).endswith("Привет")


def test_a_page_in_utf_16_that_claims_utf_8_is_read_as_what_it_is():
    page = '<meta charset="utf-8"><p>Größe'.encode("utf-16-le")
    assert decode(page, "utf-8").endswith("Größe")


@pytest.mark.parametrize("declared", ["no-such-charset", "utf-16", "zlib", "undefined"])
def test_a_wrong_declaration_does_no_harm(declared):
    assert decode("Größe".encode("cp1252"), declared) == "Größe"


@given(st.binary(max_size=300), st.sampled_from(["", "latin-1", "utf-16", "idna", "punycode"]))
def test_whatever_the_bytes_the_text_is_storable(data, declared):
    text = clean(decode(data, declared))
    assert text == unicodedata.normalize("NFC", text)
    assert "\x00" not in text
    text.encode("utf-8")


def test_what_no_reader_sees_is_taken_out():
    hidden = "a\u200bb\u202ec\u2066d\U000e0041e\x07f\u00adg"
    assert clean(hidden) == "abcdefg"


def test_joiners_stay_where_a_script_needs_them():
    assert clean("می\u200cخواهم") == "می\u200cخواهم"
    assert clean("pass\u200cword") == "password"


def test_line_ends_are_made_alike_and_blanks_at_their_ends_go():
    assert clean("a  \r\nb\rc\u2028d\t\n\n\n\n\n\ne\n") == "a\nb\nc\nd\n\n\ne"


@pytest.mark.parametrize("character", ["a", " ", "\n", "\r", "\u200b", "\u200d", "\t", "é", "\x00"])
def test_a_megabyte_of_one_character_is_cleaned_within_a_second(character):
    data = (character * 1_000_000).encode()
    started = time.process_time()
    clean(decode(data))
    assert time.process_time() - started < 1

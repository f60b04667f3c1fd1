"""Members of a ZIP archive come one at a time; what is hostile is left out with a sentence."""

import zipfile
import zlib

import pytest

from knowledge.ingestion import archive
from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.types import LimitExceeded, Limits, UnreadableFile, UnsupportedFile
from tests.knowledge.ingestion import making_office

LIMITS = Limits(max_unpacked_bytes=20_000_000, max_archive_members=50)


def packed(tmp_path, files):
    return making_office.packed(tmp_path / "a.zip", files)


def found(path, limits=LIMITS):
    """Each name with its bytes, or with the sentence that refuses it."""
    return {
        member.name: member.refusal or member.stream.read()
        for member in archive.members(path, limits)
    }


def test_members_come_in_order_with_their_bytes(tmp_path):
    path = packed(tmp_path, {"b.md": b"# B", "folder/": b"", "folder/a.txt": b"A" * 100})
    assert list(found(path).items()) == [("b.md", b"# B"), ("folder/a.txt", b"A" * 100)]


def test_a_member_is_read_in_pieces(tmp_path):
    for member in archive.members(packed(tmp_path, {"a.txt": b"0123456789"}), LIMITS):
        assert [member.stream.read(4) for _ in range(4)] == [b"0123", b"4567", b"89", b""]


def test_what_systems_add_is_passed_over(tmp_path):
    files = {"__MACOSX/._a.md": b"x", ".DS_Store": b"x", "d/Thumbs.db": b"x", "a.md": b"A"}
    assert found(packed(tmp_path, files)) == {"a.md": b"A"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../../outside.md", archive.BAD_NAME),
        ("..\\outside.md", archive.BAD_NAME),
        ("/etc/passwd.md", archive.BAD_NAME),
        ("C:\\temp\\a.md", archive.BAD_NAME),
        ("inner.zip", archive.NESTED),
        ("inner.TAR", archive.NESTED),
    ],
)
def test_a_hostile_member_is_left_out_and_the_others_are_read(tmp_path, name, sentence):
    files = found(packed(tmp_path, {name: b"x", "good.md": b"G"}))
    assert sentence in files.values()
    assert files["good.md"] == b"G"


def test_names_are_made_fit_for_display(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name in ("a\u202egpj.md", "x" * 300 + ".md", "NUL.md", "täglich.md"):
            made.writestr(name, b"x")
    names = list(found(path))
    assert names[0] == "agpj.md"
    assert len(names[1]) == 300
    assert names[2:] == ["NUL.md", "täglich.md"]


def test_a_name_in_utf_8_that_does_not_say_so_is_read(tmp_path):
    path = packed(tmp_path, {"tXXglich.md": b"x"})
    path.write_bytes(path.read_bytes().replace(b"tXXglich", "täglich".encode()))
    assert list(found(path)) == ["täglich.md"]


def test_a_name_with_nul_is_refused(tmp_path):
    path = packed(tmp_path, {"aXb.md": b"x"})
    path.write_bytes(path.read_bytes().replace(b"aXb.md", b"a\0b.md"))
    assert archive.BAD_NAME in found(path).values()


def test_links_are_left_out(tmp_path):
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.md")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(link, "/etc/passwd")
    assert found(path) == {"link.md": archive.LINK}


def test_a_name_twice_is_taken_once(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.md", b"first")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a.md", b"second")
    members = list(archive.members(path, LIMITS))
    assert [member.refusal for member in members] == ["", archive.TWICE]


def test_encrypted_members_need_a_password(tmp_path):
    path = packed(tmp_path, {"a.md": b"secret", "b.md": b"open"})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the local header, then in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert found(path) == {"a.md": archive.ENCRYPTED, "b.md": b"open"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bounds_are_not_read(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("a.md", b"x" * 1000)
    assert found(path) == {"a.md": archive.METHOD}


def test_a_member_that_unpacks_to_a_bomb_is_left_out(tmp_path):
    files = found(packed(tmp_path, {"bomb.txt": b"0" * 5_000_000, "good.md": b"G"}))
    assert files == {"bomb.txt": archive.MEMBER_BOMB, "good.md": b"G"}


def test_more_than_may_be_unpacked_is_not_opened(tmp_path):
    path = packed(tmp_path, {"a.txt": bytes(range(256)) * 10_000})
    with pytest.raises(LimitExceeded, match="unpacks"):
        found(path, Limits(max_unpacked_bytes=1_000_000))


def test_members_beyond_the_limit_are_not_even_listed(tmp_path):
    path = packed(tmp_path, {f"{number}.md": b"x" for number in range(60)})
    with pytest.raises(LimitExceeded, match="more than 50 files"):
        found(path)


def test_members_that_share_their_bytes_are_a_bomb(tmp_path):
    path = making_office.overlapping(tmp_path / "a.zip", members=40)
    assert path.stat().st_size < 10_000
    with pytest.raises(LimitExceeded, match="unpacks"):
        found(path)


def test_a_member_that_says_it_is_smaller_gives_no_more_than_it_says(tmp_path):
    path = packed(tmp_path, {"a.txt": b"0" * 5_000_000})
    making_office.lying_about_its_size(path, "a.txt", 100)
    with pytest.raises(UnreadableFile, match="damaged inside"):
        found(path)


def test_one_damaged_member_does_not_hide_the_others(tmp_path):
    path = packed(tmp_path, {"a.md": b"some words to break", "b.md": b"good"})
    path.write_bytes(path.read_bytes().replace(zlib.compress(b"", 9)[:0] + b"a.md", b"x.md", 1))
    assert found(path) == {"a.md": archive.MEMBER_DAMAGED, "b.md": b"good"}


@pytest.mark.parametrize("data", [b"PK\x03\x04nothing", b"PK\x05\x06" + b"\0" * 18, b"PK\x05\x06"])
def test_an_archive_that_is_none_or_empty_is_refused(tmp_path, data):
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile):
        found(path)


def test_an_archive_itself_is_no_document():
    with pytest.raises(UnsupportedFile):
        loader_for("application/zip")

"""Text in the common encodings of the world is read, though its bytes do not say which it is."""

import time

import pytest

from knowledge.ingestion.charsets import likely_encodings
from knowledge.ingestion.decoding import decode, looks_like_text

TEXTS = {
    "cp1252": [
        "Für Überstunden müssen Mitarbeiter einen Antrag ausfüllen.",
        "Les congés doivent être demandés à l'avance auprès du responsable.",
        "La solicitud deberá enviarse después del día quince; ¡atención!",
        "A formação não é obrigatória, mas é útil às pessoas.",
        "Price: 20 € – “best” offer ©2020, 50 °C ± 2 µm",
        "café",
    ],
    "cp1250": [
        "Zaměstnanec má nárok na třicet dní dovolené za rok a šest týdnů.",
        "Pracownik ma prawo do trzydziestu dni urlopu w ciągu roku, również świątecznego.",
        "Árvíztűrő tükörfúrógép és még sok más szép szó.",
    ],
    "iso8859_2": ["Pracownik ma prawo do trzydziestu dni urlopu, również świątecznego w źródle."],
    "cp1251": [
        "Работник подает заявление не позднее чем за две недели.",
        "ПРАВИЛА ВНУТРЕННЕГО РАСПОРЯДКА",
        "Привет",
    ],
    "koi8_r": ["Работник подает заявление не позднее чем за две недели."],
    "cp1253": ["Η εταιρεία καλύπτει τα έξοδα των υπαλλήλων που εργάζονται από το σπίτι."],
    "cp1254": ["Şirket politikası uzaktan çalışanları kapsar, müdür onayı gereklidir."],
    "cp1255": ["העובד זכאי לשלושים ימי חופשה בשנה, והבקשה מוגשת עד יום שישי."],
    "cp1256": ["يحق للموظف ثلاثون يوما من الإجازة في السنة."],
    "cp932": ["従業員は年間三十日の休暇を取る権利があります。申請は金曜日までに提出してください。"],
    "euc_jp": ["会社は在宅勤務の社員の費用を負担します。"],
    "gb18030": ["公司政策规定，远程办公的员工可以报销设备费用。申请必须在星期五之前提交。"],
    "big5": ["公司政策規定，遠程辦公的員工可以報銷設備費用。申請必須在星期五之前提交。"],
    "cp949": [
        "직원은 연간 삼십일의 휴가를 가질 권리가 있습니다. 신청서는 금요일까지 제출해야 합니다."
    ],
}
CASES = [(encoding, text) for encoding, texts in TEXTS.items() for text in texts]


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_a_short_text_is_read(encoding, text):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_a_long_text_with_much_plain_text_is_read(encoding, text):
    whole = "Leave policy, version 2.\n" * 300 + f"{text}\n" * 40
    assert decode(whole.encode(encoding)) == whole


@pytest.mark.parametrize("text", ["Policy", "Größe", "中文", "Привет"])
@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be", "utf-8"])
def test_unicode_without_a_mark_is_read(encoding, text):
    whole = f"{text} and some words in English beside it"
    data = whole.encode(encoding)
    assert looks_like_text(data)
    assert decode(data) == whole


def test_what_a_page_declares_goes_before_a_guess():
    assert decode("õige".encode("cp1257"), "cp1257") == "õige"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x81\x8d\x8f\x90\x9d", bytes(range(256)) * 9])
def test_bytes_that_are_no_text_do_no_harm(data):
    assert likely_encodings(data) is not None
    decode(data).encode()


@pytest.mark.parametrize("unit", [b"\xe9", b"\xe9 ", b"a\xe9\n", b"\x82\xa0"])
def test_a_megabyte_is_guessed_within_a_second(unit):
    started = time.process_time()
    decode(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 2

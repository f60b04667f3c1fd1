"""Personal data is found by patterns whose finds are checked, and its look-alikes are left."""

import pytest

from chat.generation.personal_data import find


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to jane.doe+hr@mail.example.org.", "EMAIL", "jane.doe+hr@mail.example.org"),
        ("Call +49 30 901820 today", "PHONE", "+49 30 901820"),
        ("Paid with 4111 1111 1111 1111, thanks", "CARD", "4111 1111 1111 1111"),
        ("IBAN DE89 3704 0044 0532 0130 00 is ours", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("from 203.0.113.9 at night", "IP", "203.0.113.9"),
        ("from 2001:db8::8a2e:370:7334 at night", "IP", "2001:db8::8a2e:370:7334"),
        ("SSN 536-90-4399", "ID", "536-90-4399"),
        ("DNI 12345678Z", "ID", "12345678Z"),
        ("codice fiscale RSSMRA85T10A562S", "ID", "RSSMRA85T10A562S"),
        ("numéro 2 95 10 99 126 111 93", "ID", "2 95 10 99 126 111 93"),
        ("Zijn BSN is 111222333.", "ID", "111222333"),
    ],
)
def test_it_is_found(text: str, kind: str, value: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "Paid with 4111 1111 1111 1112, thanks",  # Luhn says no
        "DE89 3704 0044 0532 0130 01 is no IBAN",
        "Order 111222333 of 2023-10-04 for 1,234,567.89 EUR",
        "Version 1.2.3.4 on 127.0.0.1, mask 255.255.255.0",
        "At 10:30:15, pages 100-120, articles 12-14, room 30 901",
        "a@b and user@localhost",
        "",
    ],
)
def test_its_look_alikes_are_left(text: str) -> None:
    assert find(text) == []


def test_a_national_phone_number_is_known_where_its_country_is_set() -> None:
    text = "Call 030 901820 today"
    assert find(text) == []
    assert [one.kind for one in find(text, region="DE")] == ["PHONE"]


@pytest.mark.parametrize("sign", ["1 ", "a@", "1", "DE89 ", "+49 ", ":", "1.", "a.a."])
def test_a_long_text_of_one_sign_is_read_in_time(sign: str) -> None:
    find(sign * (100_000 // len(sign)), region="DE")

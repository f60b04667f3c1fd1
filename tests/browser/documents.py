"""Documents of a company that does not exist."""

LEAVE = """# Parental Leave Policy

## 1 Who this is for

This policy is for everybody with a contract of employment with Brackwater Optics, whatever the
hours. Agency staff are covered by the agency's own policy.

## 2 Entitlement

Every employee may take up to fifty-two weeks of parental leave, irrespective of length of service.
It may be taken in one block or in two.

## 3 Pay

Weeks 1 to 18 of parental leave are at full pay. Weeks 19 to 39 are paid at the statutory rate.
The last thirteen weeks are unpaid.

| Weeks | Pay | Pension |
|---|---|---|
| 1 to 18 | Full | Usual rate |
| 19 to 39 | Statutory | Usual rate |
| 40 to 52 | None | Paused |

## 4 Giving notice

- Send form HR-12 to your manager at least fifteen weeks before the expected date.
- Changes to the return date need eight weeks' notice.

## 5 Keeping in touch

You may work up to ten days during leave without ending it. Each is paid as a full day.

## 6 Coming back

You return to the same role after up to 26 weeks, and to a comparable role after that.
"""
FILLER = "\n\n".join(
    f"## Annex {number}\n\nThis annex lists the forms of the year {2000 + number}, which are kept "
    "in the archive of the people team and are handed out on request at the front desk. " * 2
    for number in range(1, 16)
)
TRAVEL = """# Travel Policy

## Hotels

The hotel limit in Lyon is EUR 145 per night, breakfast included. Book through the travel desk.

## Trains

Trains under five hours are preferred to flights.
"""
DOCUMENTS = [
    ("Parental Leave Policy", "policy", f"{FILLER}\n\n{LEAVE}\n\n{FILLER}"),
    ("Travel Policy", "policy", TRAVEL),
]

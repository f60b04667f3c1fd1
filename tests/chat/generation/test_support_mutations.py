"""False sentences are caught and true ones left alone, on sentences made false by a machine.

A small copy of ``benchmarks/support_mutations.py``, with passages of its own.
"""

import random
import re

from benchmarks.mutations import mutants, rephrased
from benchmarks.support_mutations import is_blamed, sentences

PASSAGES = [
    """In 1887, the Harbour Board built the first lighthouse on Gull Island. The tower is 42 metres
high and stands about 300 metres from the old pier. It was not painted before 1903, when
Captain Amelia Stone ordered red stripes. The lamp is lit at dusk, and its beam reaches 27
kilometres. Until 14 May 1921 the keepers of the island were paid by the Royal Navy.""",
    """Members may borrow up to twelve books for 21 days. A loan can be extended twice, but
reference works cannot be borrowed. The North Branch is open from Tuesday to Saturday, and the
Reading Room in Elm Street closes at six. A fine of 0.20 euros is charged for every day after the
date. In 2024, the library lent 148,300 books to 9,412 members.""",
    """The compiler raises warning C4996 when a function is marked as deprecated. The flag is set
with the option max_warning_level, which was added in version 14.2.1 of the tools. The manual
says "a warning is not an error unless it is treated as one" in its first chapter. Projects
should not turn the warning off for a whole build. Use the switch only when Visual Studio
reports more than 50 warnings.""",
    """Patients received 40 mg of the drug every 8 hours for six weeks. The mean age of the 1,204
patients was 57 years, and 31 percent of them had been treated in Boston before. No serious
side effects were seen in the group of Doctor Helen Marsh. The trial was stopped on 3 October
2019 because the results were clear. The authors did not find a difference between men and
women.""",
    """Every employee may take up to 52 weeks of parental leave. Weeks 1 to 18 are paid in full by
the People Office. The request must be made at least ten weeks before the leave begins. Leave
that was not taken is lost after 24 months. After the leave, the employee is entitled to
return to the same position in the Geneva office.""",
]


def joined(text: str) -> str:
    return text.replace("\n", " ")


def test_false_sentences_are_caught_and_true_ones_are_not_blamed() -> None:
    rng = random.Random(3)
    caught: list[tuple[bool, str]] = []
    blamed: list[tuple[bool, str]] = []
    for passage in map(joined, PASSAGES):
        others = [name for other in PASSAGES for name in re.findall(r"[a-z] ([A-Z][a-z]+)", other)]
        for said in sentences(passage):
            blamed.append((is_blamed(said, passage), said))
            blamed += [(is_blamed(text, passage), text) for _, text in rephrased(said, rng)]
            for _ in range(3):
                caught += [
                    (is_blamed(one.sentence, one.passage), f"{one.kind}: {one.sentence}")
                    for one in mutants(said, passage, others, rng)
                ]
    assert len(caught) > 150
    assert len(blamed) > 50
    missed = [text for is_caught, text in caught if not is_caught]
    alarms = [text for is_alarm, text in blamed if is_alarm]
    assert len(missed) <= 0.05 * len(caught), missed
    assert len(alarms) <= 0.05 * len(blamed), alarms

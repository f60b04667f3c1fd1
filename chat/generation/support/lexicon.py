"""Word lists that the checks compare by: number words, units, months, negation, opposites."""

from chat.generation.terms import stem

NUMBER_WORDS: dict[str, int] = {
    word: value
    for value, words in {
        0: "zero null nil", 1: "one eins", 2: "two zwei deux", 3: "three drei trois",
        4: "four vier quatre", 5: "five fünf cinq", 6: "six sechs", 7: "seven sieben sept",
        8: "eight huit", 9: "nine neun neuf", 10: "ten zehn dix", 11: "eleven onze",
        12: "twelve zwölf douze dozen", 13: "thirteen dreizehn", 14: "fourteen vierzehn",
        15: "fifteen fünfzehn quinze", 16: "sixteen sechzehn", 17: "seventeen siebzehn",
        18: "eighteen achtzehn", 19: "nineteen neunzehn", 20: "twenty zwanzig vingt",
        30: "thirty dreißig trente", 40: "forty vierzig quarante", 50: "fifty fünfzig cinquante",
        60: "sixty sechzig soixante", 70: "seventy siebzig", 80: "eighty achtzig",
        90: "ninety neunzig",
    }.items()
    for word in words.split()
}  # fmt: skip
SCALES = {
    "hundred": 100, "hundert": 100, "thousand": 1000, "tausend": 1000, "million": 10**6,
    "millions": 10**6, "millionen": 10**6, "billion": 10**9, "billions": 10**9,
    "milliarden": 10**9, "trillion": 10**12, "k": 1000, "mio": 10**6, "mn": 10**6, "bn": 10**9,
    "mrd": 10**9,
}  # fmt: skip
ORDINALS = {
    word: value
    for value, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        start=1,
    )
}
_UNITS = """
%: % percent percentage percents prozent pourcent
day: day days tag tage tagen jour jours
week: week weeks woche wochen semaine semaines
month: month months monat monate monaten mois
year: year years yr yrs jahr jahre jahren an ans année années
hour: hour hours hr hrs stunde stunden heure heures
minute: minute minutes min mins minuten
second: seconds sec secs sekunden secondes
ms: ms millisecond milliseconds
km: km kilometre kilometres kilometer kilometers
m: m metre metres meter meters
cm: cm centimetre centimetres centimeter centimeters
mm: mm millimetre millimetres millimeter millimeters
mile: mile miles mi
foot: foot feet ft
inch: inch inches
kg: kg kilogram kilograms kilo kilos
g: g gram grams gramm
mg: mg milligram milligrams
µg: µg μg mcg microgram micrograms
ton: ton tons tonne tonnes
pound: lb lbs
l: l litre litres liter liters
ml: ml millilitre millilitres milliliter milliliters
°c: °c celsius
°f: °f fahrenheit
kb: kb kib kilobyte kilobytes
mb: mb mib megabyte megabytes
gb: gb gib gigabyte gigabytes
tb: tb tib terabyte terabytes
usd: $ usd us$ dollar dollars
eur: € eur euro euros
gbp: £ gbp pound pounds
yen: ¥ jpy yen
chf: chf francs franc
cent: cent cents
w: w watt watts
kw: kw kilowatt kilowatts
v: v volt volts
hz: hz hertz
"""
UNITS = {
    word: name
    for line in _UNITS.strip().splitlines()
    for name, _, words in [line.partition(": ")]
    for word in words.split()
}
MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar janvier", "feb february februar février", "mar march märz mars",
            "apr april avril", "may mai", "jun june juni juin", "jul july juli juillet",
            "aug august août", "sep sept september septembre", "oct october oktober octobre",
            "nov november novembre", "dec december dezember décembre",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip
WEEKDAYS_WORDS = """
monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag
freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche
"""
WEEKDAYS = frozenset(WEEKDAYS_WORDS.split())
NEGATIONS_WORDS = """
not no never none nobody nothing neither nor cannot without nowhere n't hardly barely nicht kein
keine keinen keiner keines nie niemals ohne ne pas jamais aucun aucune sans non
"""
NEGATIONS = frozenset(NEGATIONS_WORDS.split())
# Verbs and adjectives that deny what they govern, as their stems are written in texts.
DENIALS_WORDS = """
unable fail fails failed lack lacks lacked lacking refuse refuses refused deny denies denied
prohibited forbidden excluded
"""
DENIALS = frozenset(DENIALS_WORDS.split())
# Words that bound a statement: put in or taken out, they change it as much as a "not" does.
BOUNDS_WORDS = """
only unless except excluding
"""
BOUNDS = frozenset(BOUNDS_WORDS.split())
_OPPOSITES = """
increase/decrease increase/reduce increase/decline increase/drop increase/fall rise/fall
rise/decline rise/drop raise/lower grow/shrink gain/loss gain/lose up/down upward/downward
upper/lower higher/lower high/low more/less more/fewer most/least maximum/minimum above/below
over/under before/after earlier/later early/late begin/end start/end start/stop first/last
open/close open/closed include/exclude inside/outside allow/forbid allow/prohibit
allowed/forbidden allowed/prohibited permit/forbid permitted/prohibited permit/prohibit
accept/reject accept/refuse approve/reject agree/disagree enable/disable enabled/disabled on/off
always/never all/none every/no everyone/nobody everybody/nobody everything/nothing both/neither
with/without same/different similar/different true/false correct/wrong correct/incorrect right/wrong
right/left north/south east/west northern/southern eastern/western positive/negative
strong/weak stronger/weaker large/small larger/smaller big/small bigger/smaller long/short
longer/shorter wide/narrow old/new older/newer older/younger old/young fast/slow faster/slower
quick/slow hot/cold warm/cold heavy/light hard/soft easy/difficult easy/hard simple/complex
rich/poor full/empty full/partial paid/unpaid public/private male/female men/women
man/woman husband/wife
father/mother son/daughter brother/sister boy/girl king/queen buy/sell bought/sold win/lose
won/lost success/failure succeed/fail support/oppose supported/opposed attack/defend love/hate
like/dislike import/export internal/external domestic/foreign local/remote mandatory/optional
required/optional compulsory/optional compulsory/voluntary must/may permanent/temporary
temporarily/permanently safe/dangerous safe/unsafe legal/illegal visible/hidden known/unknown
possible/impossible able/unable likely/unlikely usual/unusual certain/uncertain common/rare
frequently/rarely often/rarely often/seldom many/few better/worse best/worst good/bad well/badly
improve/worsen improved/worsened benefit/harm healthy/sick alive/dead birth/death born/died
life/death arrive/leave arrival/departure enter/exit enter/leave add/remove added/removed
create/destroy build/destroy lend/borrow pass/fail passed/failed push/pull send/receive
give/take front/back top/bottom ahead/behind forward/backward ascending/descending odd/even
single/married single/multiple individual/collective majority/minority major/minor
promote/inhibit promotes/inhibits activate/inhibit activation/inhibition activate/suppress
induce/suppress enhance/inhibit enhance/impair enhance/reduce stimulate/inhibit
upregulated/downregulated acute/chronic benign/malignant presence/absence present/absent
direct/indirect dependent/independent sufficient/insufficient complete/incomplete
encourage/discourage optimistic/pessimistic war/peace day/night morning/evening summer/winter
guilty/innocent hire/fire hired/fired employ/dismiss profit/loss asset/liability income/expense
surplus/deficit debit/credit accelerate/slow expand/contract strengthen/weaken exceed/miss
above/beneath tighten/loosen lock/unlock online/offline manual/automatic manually/automatically
plaintiff/defendant convicted/acquitted
"""


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        one, other = (stem(word) for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _opposites()
_SMALL = """
a an the of to in on at by for and or is are was were be been being has have had it its this that
these those as from which who whom whose their his her our your they he she we you i so than then
also do does did will would can could should der die das ein eine und ist sind le la les un une des
et est sont du de
"""
SMALL = frozenset(_SMALL.split())
# Beginnings that turn a word into its opposite, where the rest is a word of the other side.
DENYING_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis")

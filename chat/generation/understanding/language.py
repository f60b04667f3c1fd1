"""Which language a short text is in: by its script, else by the small words that it uses."""

import re
from collections import Counter

# A third of the letters says the script: a question may name an English product in Chinese.
_SHARE = 0.3
_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
)
_SMALL_WORDS = {
    "en": """a am an and any are as at be been but by can could did do does for from get has have
        hello hey hi how i if in is it me much my no not of on or our please should tell thank
        thanks that the their there they this to was we were what when where which who whose why
        will with would yes you your""",
    "de": """aber als am an auch auf aus bei bitte bin brauche brauchen da danke darf das dass dem
        den der des die dies du durch ein eine einem einen einer es für gibt guten habe haben hallo
        hat hätte ich ihr ihre im in ist ja kann kein keine können könnte man mein meine mich mir
        mit muss müssen nach nein nicht noch oder sein sich sie sind so soll über um und uns unser
        unter viel viele vielen vom von vor wann warum was wegen welche welchem welchen welcher
        welches wenn wer werden wie wieviel wir wird wo wofür zu zum zur zwischen""",
    "es": """a al ante como con cuando cuanto cuál cuáles cuándo cuánta cuántas cuánto cuántos cómo
        de debo del desde donde dónde el ella en entre es esta este estos está están gracias ha hay
        hola la las le lo los me mi mis más muy no nos o para pero por porque puede puedo pueden que
        quien quién quiénes qué se ser si sin sobre son su sus sí también te tengo tiene tienen un
        una unas unos y yo""",
    "fr": """a à au aux avec avez avoir bonjour c ce ces cette combien comment d dans de des dois
        doit du elle en est et être faut il ils j je l la le les leur lui ma mais me merci mes mon
        n ne non nos notre nous on ou où oui par pas peut peux plus pour pourquoi puis qu quand que
        quel quelle quelles quels qui quoi sa sans se ses si son sont sont suis sur un une vos
        votre vous y""",
    "it": """a al alla anche che chi ciao come con cosa cui da dal dei del della delle di dove e ed
        è gli grazie ha hanno ho i il in io la le lo ma mi mio nel nella no non o per perché più
        posso può quale quali quando quanta quanti quanto questo se si sono su sul un una uno
        vi""",
    "pt": """a ao aos as até com como da das de do dos e é ela ele em entre eu foi há isso mais mas
        me meu minha muito na nas não no nos o obrigada obrigado olá onde os ou para pela pelo por
        porque posso pode qual quais quando quanta quantas quanto quantos que quem se sem ser seu
        sim são sobre sua também tem tenho um uma você""",
    "nl": """aan als ben bij dag dank dat de deze die dit door een en er geen goed goeden hallo heb
        hebben heeft het hij hoe hoeveel ik in is ja je kan kun kunnen maar mag me met mijn moet
        naar nee niet nog of om onder ons ook op over te tot u uit uw van veel voor waar waarom
        wanneer wat we welk welke wie wij worden wordt zijn zou""",
}
_SETS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_LETTERS = {
    "de": "äöüß",
    "es": "ñ¿¡",
    "fr": "èêçœâîû",
    "pt": "ãõ",
}
_WORD = re.compile(r"[^\W\d_]+")
_SAMPLE = 2000  # characters
NAMES = {
    "ar": "Arabic",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ru": "Russian",
    "th": "Thai",
    "zh": "Chinese",
}


# What languages are called in themselves and in one another, as far as questions ask for them.
_TONGUES = frozenset(
    [
        "arabic",
        "german",
        "greek",
        "english",
        "spanish",
        "french",
        "hebrew",
        "hindi",
        "italian",
        "japanese",
        "korean",
        "dutch",
        "portuguese",
        "russian",
        "thai",
        "chinese",
        "translate",
        "translation",
        "deutsch",
        "englisch",
        "französisch",
        "spanisch",
        "italienisch",
        "niederländisch",
        "portugiesisch",
        "russisch",
        "chinesisch",
        "arabisch",
        "japanisch",
        "übersetze",
        "übersetzung",
        "español",
        "inglés",
        "alemán",
        "francés",
        "italiano",
        "portugués",
        "traduce",
        "traducción",
        "français",
        "anglais",
        "allemand",
        "espagnol",
        "italien",
        "traduis",
        "traduction",
        "inglese",
        "tedesco",
        "francese",
        "spagnolo",
        "traduci",
        "nederlands",
        "engels",
        "duits",
        "português",
        "inglês",
        "العربية",
        "الإنجليزية",
        "中文",
        "英文",
        "英语",
        "德语",
        "русский",
        "日本語",
    ]
)
# Code, what stands in quotation marks, addresses and marks: none of it is the writer's own voice.
_APART = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|“[^”\n]*”|„[^“\n]*“|«[^»\n]*»|\"[^\"\n]*\"|https?://\S+|\[\d+\]",
    re.DOTALL,
)
_LEAST_WORDS, _LEAST_LETTERS = 4, 12


def language_of(text: str, otherwise: str = "") -> str:
    """The language as a code of two letters.

    Args:
        text: a question; its first 2,000 characters are looked at.
        otherwise: what to say where nothing tells, such as for "VPN?".
    """
    sample = text[:_SAMPLE]
    letters = sum(character.isalpha() for character in sample)
    if not letters:
        return otherwise
    for language, script in _SCRIPTS:
        # Kana among Han is Japanese, however little of it there is.
        least = 0.05 if language == "ja" else _SHARE
        if len(script.findall(sample)) >= least * letters:
            return language
    return _by_words(sample.casefold()) or otherwise


def is_in_another(text: str, language: str, question: str = "") -> bool:
    """Whether a text is surely in another language than the one that it should be in.

    In doubt it is not: quotations, code and names do not count, a few words tell nothing, and a
    question that names a language may have asked for it.

    Args:
        text: an answer.
        language: the code of the question's language; empty where that is not known.
        question: as it was asked.
    """
    if not language or _asks_for_a_language(question):
        return False
    plain = _APART.sub(" ", text)[:_SAMPLE]
    found = language_of(plain)
    if not found or found == language:
        return False
    if found not in _SETS or language not in _SETS:
        return sum(character.isalpha() for character in plain) >= _LEAST_LETTERS
    words = _WORD.findall(plain.casefold())
    theirs, ours = (sum(word in _SETS[one] for word in words) for one in (found, language))
    signs = sum(plain.casefold().count(sign) for sign in _LETTERS.get(found, ""))
    if not ours:
        return len(words) >= _LEAST_WORDS and theirs > 0 and theirs + signs > 1
    return theirs >= 2 * ours + 2


def _asks_for_a_language(question: str) -> bool:
    return not _TONGUES.isdisjoint(_WORD.findall(question.casefold()))


def _by_words(sample: str) -> str:
    """The Latin language with most small words in the text; a draw says nothing."""
    words = _WORD.findall(sample)
    points = Counter(
        {language: sum(word in known for word in words) for language, known in _SETS.items()}
    )
    for language, signs in _LETTERS.items():
        points[language] += sum(sample.count(sign) for sign in signs)
    (best, most), (_, second) = points.most_common(2)
    return best if most > second else ""

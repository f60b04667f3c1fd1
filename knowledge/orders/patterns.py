"""What texts that give orders to an assistant have in common, by family and in many languages.

A family is a manner, not a list of known attacks: to cancel what was said before, to ask for the
prompt, to hand out a part to play. Each is one pattern over folded text (``fold``): small letters,
plain spaces, nothing invisible, look-alike letters joined. No pattern has nested quantifiers.
"""

import re
import unicodedata

_GAP = r"[^.!?\n]{0,60}?"
_NEAR = r"[^.!?\n]{0,25}?"

_CANCEL = (
    r"(?:ignor\w*|igmre|disregard\w*|drop|forget|forgot|overrid\w*|overwrit\w*|bypass\w*"
    r"|neglect|nevermind"
    r"|stop (?:obeying|following)|do not (?:obey|follow)|don'?t (?:obey|follow)"
    r"|vergiss|vergesse\w*|vergessen|missacht\w*|verwirf|verwerfen|lass\w* (?:sie )?\w* außer acht"
    r"|oubli\w+|néglig\w+|fais abstraction|olvid\w+|omit\w+|descart\w+|haz caso omiso"
    r"|dimentic\w+|tralasc\w+|esque[çc]\w+|desconsider\w+|negeer|vergeet|zignoruj|zapomnij"
    r"|игнорир\w+|забудь\w*|zaborav\w+|zanemar\w+|unut|yok say"
    r"|忽略|无视|無視|忘记|忘記|忘れ|不要理会|무시|잊어|تجاهل|انس)"
)
_BEFORE = (
    r"(?:previous\w*|above|prior|preceding|earlier|former|initial|original|all|any|everything"
    r"|every|system|last|these|those|my|your|the|vorherig\w*|vorig\w*|obig\w*|bisherig\w*|alle\w*"
    r"|vorangegangen\w*|voran\w+|zuvor|davor|précédent\w*|antérieur\w*|toutes|anterior\w*|previ\w+"
    r"|todas|precedent\w+|tutte|vorige|eerdere|poprzedni\w*|wszystki\w*|предыдущ\w+|все|svih?|sve"
    r"|prethodn\w*|önceki)"
)
_SAID = (
    r"(?:instruct\w*|instructions?|prompts?|rules?|directions?|directives?|guidelines?|orders?"
    r"|commands?|context|assignments?|tasks?|information|text|content|conversation|inputs?"
    r"|training|policies|anweisung\w*|aufgabe\w*|befehl\w*|instruktion\w*|vorgabe\w*|regel\w*"
    r"|anordnung\w*|aufträg\w*|informationen|consignes?|règles?|ordres?|instruccion\w*|órdenes"
    r"|reglas|indicaciones|istruzion\w*|regole|ordini|instruç\w+|ordens|regras|instructies"
    r"|opdracht\w*|regels|instrukcj\w+|poleceni\w+|zasad\w+|инструкц\w+|указани\w+|правил\w*"
    r"|instrukcij\w*|uputstv\w*|upute|naredb\w*|talimat\w*|指令|指示|提示|说明|規則|规则|命令"
    r"|지시|명령|تعليمات|التعليمات)"
)
_TELL = (
    r"(?:show|print|reveal|repeat|output|display|tell|give|send|list|write|spell-? ?check|copy"
    r"|proof-?read|translate|encode|decode|summari[sz]e|paraphrase|leak|dump|expose|disclose|share"
    r"|provide|recite|return|say|echo|what (?:is|are|was|were)|complete|continue"
    r"|zeig\w*|druck\w*|gib\w*|geben|wiederhol\w*|nenn\w*|sag\w*|prüf\w*|schreib\w*|verrat\w*"
    r"|buchstabier\w*|was (?:ist|sind|war|waren)|montr\w+|affich\w+|répèt\w+|imprim\w+|révèl\w+"
    r"|muestra|muéstra\w*|revela|repite|imprime|dime|mostra\w*|rivel\w+|ripet\w+|stampa|toon"
    r"|pokaż|wypisz|покажи|повтори|выведи|prikaži|ispiši|显示|输出|重复|打印|表示|출력|보여)"
)
_OURS = (
    r"(?:(?:system|initial|original|previous|prior|above|hidden|secret|first|starting|your|own"
    r"|preceding|internal|obig\w*|vorherig\w*|anfänglich\w*|ursprünglich\w*|dein\w*|ihre\w*"
    r"|système|initial\w*|sistema|votre|tes|iniciales|系统|最初|上面|之前|시스템)"
    rf"{_NEAR}(?:prompts?|instruct\w*|rules?|configurat\w*|initiali[sz]ation|context"
    rf"|system ?message|embeddings?"
    r"|anweisung\w*|eingabeaufforderung\w*|instruktion\w*|consignes?|instruccion\w*|istruzion\w*"
    r"|提示\w*|指令|프롬프트)"
    r"|(?:text|words?|everything|all|sentences?|content|prompts?|inhalt|texte?|eingabeaufforderung)"
    r" (?:from |that (?:is|was) )?(?:above|before|oben|davor)"
    r"|(?:above|obigen|obige|vorstehend\w*) (?:text|prompt|content|texte?|absatz)"
    r"|(?:this|the|our) (?:entire |whole )?conversation)"
)
_REPLY = (
    r"(?:repl(?:y|ies)|response|answer|output|message|antwort\w*|réponse|respuesta|risposta"
    r"|resposta|antwoord|odpowied\w+|ответ\w*|回答|回复|回覆|답변)"
)
_SHAPE = (
    r"(?:add|append|includ\w+|insert|integrat\w+|modif\w+|enhanc\w+|augment|provid\w+|replac\w+"
    r"|remov\w+|use|write|translate|encode|scramble|revers\w+|invert|incorporat\w+|embed|format"
    r"|change|alter|begin|start|end|finish|conceal|mask|convert|substitut\w+|combine|craft|weave"
    r"|apply|place|put|mention|display|transform|füg\w+|ergänz\w+|schreib\w*|ersetz\w+|ajoute\w*"
    r"|inclu\w+|insère|añad\w+|agreg\w+|aggiung\w+|inserisci|adicion\w+|voeg|dodaj|добавь)"
)

_FAMILIES = {
    "cancels": rf"{_CANCEL}{_GAP}(?:\b{_BEFORE}\b{_GAP})?{_SAID}|{_SAID}{_NEAR}(?:忘れ|無視|무시)",
    "cancels all": (
        rf"{_CANCEL}{_NEAR}(?:everything|all|what|anything|alles|was|tout|ce que|todo|lo que|tutto"
        r"|tudo|wszystko|всё|все|sve)\b"
    ),
    "asks for the prompt": rf"{_TELL}{_GAP}{_OURS}",
    "names the prompt": (
        r"system[- ]?prompt|prompt[- ]?(?:injection|text|template|texte?)|initial instructions"
        r"|eingabeaufforderung|(?:above|obig\w+|previous|your|dein\w*|original) prompts?|系统提示"
        r"|\bprompt\w*\b[^.\n]{0,40}\b(?:above|leak|full|exact|print)"
    ),
    "gives a part": (
        r"\bact(?:ing)? (?:as|like)\b|\bpretend\w*\b|\brole-?play\w*|play the (?:role|part)"
        r"|you (?:are|will be|become|'re) (?:now|going to|no longer)|\bnow you are\b"
        r"|\bin the style of a\b|(?:nun|jetzt) (?:bist du|sind sie)|im stil ein\w+"
        r"|\bfrom now on\b|imagine (?:that )?you are"
        r"|i want you to|you will (?:act as|play|answer|respond|only)|take on the (?:role|persona)"
        r"|(?:agier\w*|handeln|fungier\w*|verhalt\w*|auftreten|dienen) \w{0,12} ?als\b"
        r"|als [^.\n]{3,60} (?:agier\w+|fungier\w+|handel\w+)"
        r"|tu(?:n sie)? so,? als|(?:du bist|sie sind) (?:jetzt|nun|ab jetzt|ein)|ab jetzt"
        r"|von nun an|spiel\w* die rolle"
        r"|ich möchte,? dass (?:sie|du)|stell dir vor,? du|agis comme|tu es maintenant"
        r"|fais semblant|à partir de maintenant"
        r"|act[úu]a como|eres ahora|a partir de ahora|finge|comport\w+ come|fingi|sei ora"
        r"|aja como|finja"
        r"|doe alsof|gedraag je als|udawaj|jesteś teraz|притвор\w+|теперь ты|отныне"
        r"|ponašaj se kao|pretvaraj se"
        r"|扮演|假装|你现在是|从现在开始|あなたは今|として振る舞|연기|지금부터"
    ),
    "unlocks": (
        r"\bdan\b|do anything now|jail ?break\w*|(?:developer|maintenance|debug|admin|god|sudo|root"
        r"|unrestricted|evil|opposite) mode|(?:no|without|free (?:of|from)"
        r"|any) (?:restrictions?|limits?"
        r"|filters?|censorship|limitations)|unfiltered|entwicklermodus|ohne (?:einschränkung\w*"
        r"|filter)"
        r"|mode développeur|sans restriction|modo desarrollador|sin restricciones"
        r"|режим разработчика|开发者模式|越狱"
    ),
    "breaks the frame": (
        r"={3,} ?end|-{3,} ?end|\bend of (?:the )?(?:context|documents?|prompt|passages?"
        r"|instructions?|data)\b"
        r"|#{2,} ?(?:instruction|system|new|response|task)|<\|?/?(?:im_start|im_end|system|user"
        r"|assistant|endoftext)"
        r"|\[/?inst\]|<</?sys>>|^\s*(?:system|assistant|user|instruction)s? ?:|\b(?:new|real"
        r"|actual) (?:task|instruction|assignment)s?\b|\b(?:next|second|first) (?:task|test)\b"
        r"|(?:neue|nächste|folgende|zweite)[nrs]? (?:aufgabe|anweisung|herausforderung|test"
        r"|auftrag)\w*|nouvelles? (?:tâche|instruction)s?|nuevas? (?:tarea|instruccion)\w*"
        r"|nuov[ae] (?:istruzion|compit)\w+|新的?(?:任务|指令)|новая задача"
    ),
    "speaks to a machine": (
        r"\b(?:ai|a\.i\.|llm|gpt(?:-?\d)?|chat ?gpt|chatbot|language model|virtual assistant"
        r"|assistant|copilot|claude"
        r"|ki|sprachmodell|assistent\w*|modèle de langage|assistante?|asistente"
        r"|modelo de lenguaje|modello linguistico"
        r"|нейросет\w+|ассистент\w*)\b|人工智能|助手|语言模型|アシスタント|어시스턴트"
    ),
    "shapes the reply": (
        rf"{_SHAPE}{_GAP}\b(?:your|the|this|thy|ihre\w*|deine\w*|die|la|tu|votre|sua|tua|je|uw"
        rf"|twoj\w*)\b ?\w{{0,12}} ?{_REPLY}"
        rf"|\b(?:in|to|of|with|within|from|for) your (?:final |next )?{_REPLY}|(?:in"
        rf"|zu) (?:ihrer|deiner) antwort|dans (?:ta|votre) réponse|en tu respuesta"
        rf"|nella tua risposta"
        r"|\b(?:reply|respond|answer)\b (?:only |solely |entirely )?(?:in|with|using|via|by"
        r"|backwards?|through)\b"
    ),
    "dictates words": (
        r"\b(?:say|print|respond|reply|answer|output|write|return|state|tell|shout"
        r"|type)\b[^.\n\"“'«]{0,30}(?<!\w)[\"“«'‘]"
        # "And print the form" has a thing printed, "and print hello" dictates a word.
        r"|\b(?:and|then|instead|always) (?:just |only |simply )?(?:say|print|respond|reply"
        r"|answer|output)\b(?! (?:out )?(?:the|a|an|my|our|his|her|their|this|these|those|them|it"
        r"|all|any|some|every|each|both|to|on|from|by|for|about|at|is|are|of)\b)"
        r"|\b(?:just|only|simply) (?:say|print|respond|reply|answer|output|write|return)"
        r"|\b(?:sag\w*|antworte\w*|schreib\w*|druck\w*|geben sie)\b[^.\n\"„“]{0,30}[\"„“‚']"
        r"|\bsag\w* (?:nur|einfach|ja)|antworte\w* (?:nur|immer|mit)"
        r"|\b(?:réponds|dis|écris|di|responde|escribe|rispondi|scrivi|diga|responda|zeg"
        r"|antwoord)\b[^.\n\"«]{0,25}[\"«'“]|只(?:说|回答|输出)"
    ),
    "praises and goes on": (
        r"\b(?:well done|good job|great job|perfect|excellent|great|super|wonderful|nice"
        r"|thank you|thanks)[!.,][^\n]{0,60}\b(?:now|next|new|instead|but|then|forget|here)\b"
        r"|passed the (?:first|1st)|first test|(?:gut gemacht|sehr gut|super|prima|toll|danke"
        r"|perfekt|bravo|großartig)[!.,][^\n]{0,60}\b(?:jetzt|nun|aber|dann|neue|vergiss"
        r"|vergessen)\b"
    ),
    "instead": r"\binstead\b|\brather than answering\b|stattdessen|à la place|en (?:su|vez)"
    r"|invece|umgekehrt|вместо этого",
    "sends away": (
        r"(?:send|post|fetch|load|upload|visit|go to|open|click|forward|submit|navigate|link\w*"
        r"|point\w*|redirect\w*|download\w*|besuch\w*|klick\w*|sende|envoie|visitez|haz clic"
        r"|clicca)"
        r"[^\n]{0,60}(?:https?://|www\.|\w+@\w+\.|\.(?:com|net|org)\b)"
        r"|!\[[^\]\n]{0,200}\]\([^)\n]{0,300}[?{]|\b(?:curl|wget)\b|<img|<iframe"
    ),
    "keeps a secret": (
        r"(?:do not|don'?t|never|without) (?:tell\w*|mention\w*|reveal\w*|inform\w*|warn\w*"
        r"|let\w*|disclos\w*|refus\w*|apologi\w*)"
        r"|(?:nicht|niemals) (?:erwähn\w+|verrat\w+|sagen|mitteil\w+)|sag niemandem|ne (?:dis"
        r"|mentionne\w*) pas|no (?:menciones|digas|reveles)|non (?:dire|menzionare)"
    ),
    "encodes": (
        r"\bbase ?\d{2}\b|\brot-?13\b|\bcaesar\b|\bcipher\w*|\bleet ?speak|\bmorse\b"
        r"|hexadecimal|\bbackwards?\b|\breversed?\b|\bscrambl\w+|\banagram\w*"
        r"|alphanumeric|\bemojis?\b|misspell\w*|without spaces|\bbinary\b|pig latin"
        r"|geheimschrift|rückwärts"
    ),
    "is an order": (
        r"(?:^|[.!?:\n\"“] ?)(?:please |now,? |kindly |you must |you should |bitte |nun |jetzt )?"
        r"(?:add|act|append|answer|augment|begin|change|compose|continue|create|craft|describe"
        r"|display|do|draft|encode|end|enhance|explain|forget|generate|give|ignore|imagine|include"
        r"|insert|integrate|list|make|mention|modify|output|play|pretend|print|produce|provide"
        r"|remove|repeat|replace|reply|respond|return|reveal|reverse|say|scramble|show|simulate"
        r"|speak|start|stop|substitute|summari[sz]e|switch|talk|tell|translate|use|write"
        r"|agieren|antworte\w*|beginne\w*|erstell\w*|erzähl\w*|gib|nenne|sag|schreib\w*"
        r"|vergessen|vergiss|wiederhol\w*|zeig\w*"
        r"|écri\w+|oublie\w*|réponds|escribe|olvida|responde|scrivi|rispondi|dimentica)\b"
    ),
    "speaks of you": r"\b(?:you|your|yourself|du|dir|dich|dein\w*|ihre?[nmrs]?|tu|toi|votre"
    r"|vous|tú|usted|você)\b",
    "speaks of me": r"\b(?:i|me|my|ich|mir|mich|mein\w*|je|moi|yo|mi|io|eu)\b",
    "asks": r"\?|？",
}
FAMILIES: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.MULTILINE) for name, pattern in _FAMILIES.items()
}
# Manners that never stand alone for an order: they only weigh beside others.
WEAK = frozenset({"is an order", "speaks of you", "speaks of me", "asks", "instead", "encodes"})

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]")
# Cyrillic and Greek letters that look Latin, where they stand among Latin ones.
_ALIKE = str.maketrans("аеорсухіјѕԁһοαν", "aeopcyxijsdhoav")
_MIXED = re.compile(r"[a-z][аеорсухіјѕԁһοαν]|[аеорсухіјѕԁһοαν][a-z]")
_SPACES = re.compile(r"[^\S\n]+")


def fold(text: str) -> str:
    """A text as the patterns see it; offsets are not kept."""
    seen = _TAGS.sub(lambda tag: chr(ord(tag.group()) - 0xE0000), text)
    seen = unicodedata.normalize("NFKC", _INVISIBLE.sub("", seen)).lower()
    if _MIXED.search(seen):
        seen = seen.translate(_ALIKE)
    return _SPACES.sub(" ", seen.replace("’", "'"))

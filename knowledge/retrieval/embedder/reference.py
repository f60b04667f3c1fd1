"""The texts by which a prepared model is compared with its original: many scripts and lengths."""

_SENTENCES = (
    "Employees may carry over five days of annual leave into the next calendar year.",
    "Error E-4711: the valve XR/200.b did not close (timeout=30s); see §4.2, p. 17!",
    "Der Urlaubsanspruch verfällt am 31. März, wenn er nicht genommen wurde.",
    "Les salariés à temps partiel ont droit aux mêmes congés, calculés au prorata.",
    "¿Cuántos días de vacaciones me quedan después del primer año de trabajo?",
    "Сотрудник должен уведомить руководителя не позднее чем за две недели.",
    "يجب على الموظف إبلاغ المدير قبل أسبوعين على الأقل.",
    "员工可以将五天年假结转到下一年。",
    "従業員は翌年に五日間の有給休暇を繰り越すことができます。",
    "직원은 연차 휴가 5일을 다음 해로 이월할 수 있습니다.",
    "कर्मचारी पाँच दिन की छुट्टी अगले वर्ष में ले जा सकते हैं।",
    "พนักงานสามารถยกยอดวันลาได้ห้าวัน 🙂",
)
_SHORT = ("", " ", "leave", "42", "a b", "?", "Zürich", "ﬁle – naïve café", "x" * 300)

REFERENCE_TEXTS: tuple[str, ...] = (
    *_SHORT,
    *_SENTENCES,
    *(" ".join((sentence,) * 3) for sentence in _SENTENCES[::2]),
    *(" ".join(_SENTENCES[at:] + _SENTENCES[:at]) for at in (0, 3, 6)),
    " ".join(_SENTENCES * 4),  # longer than the window of most models
)

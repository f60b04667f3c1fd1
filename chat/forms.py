"""What the chat pages accept."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from chat.services.questions import clean_text

KEY_MAX_CHARS = 200
REASONS = (
    "The answer is not right",
    "The source does not say this",
    "The document is out of date",
    "It misses the point",
)


class QuestionField(forms.CharField):
    """A question as it is stored; line breaks, which a form sends as two characters, are one."""

    def to_python(self, value: Any) -> str:
        return clean_text(str(super().to_python(value) or ""))

    def validate(self, value: str) -> None:
        super().validate(value)
        most = settings.MESSAGE_MAX_CHARS
        if len(value) > most:
            over = len(value) - most
            raise ValidationError(f"{len(value):,} of {most:,} characters. Shorten it by {over:,}.")


class AskForm(forms.Form):
    """A question, where it belongs, and the key that makes it count once."""

    message = QuestionField(error_messages={"required": "Write a question first."})
    chat_session_id = forms.UUIDField(required=False)
    key = forms.CharField(required=False, max_length=KEY_MAX_CHARS)
    model = forms.CharField(required=False, max_length=100)


class EditForm(forms.Form):
    """A question in other words."""

    message = QuestionField(
        label="The question",
        error_messages={"required": "Write a question first."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    key = forms.CharField(required=False, max_length=KEY_MAX_CHARS)
    model = forms.CharField(required=False, max_length=100)


class RenameForm(forms.Form):
    title = forms.CharField(
        label="Name", max_length=200, error_messages={"required": "A name needs a letter."}
    )


class FeedbackForm(forms.Form):
    """A thumb, and for one that points down the reasons."""

    rating = forms.TypedChoiceField(coerce=int, choices=[(1, "helped"), (-1, "did not help")])
    reason = forms.MultipleChoiceField(
        required=False, choices=[(reason, reason) for reason in REASONS]
    )
    comment = forms.CharField(required=False, max_length=1500)

    def words(self) -> str:
        """Reasons and own words as one text of sentences."""
        parts = [f"{reason}." for reason in self.cleaned_data["reason"]]
        return " ".join([*parts, self.cleaned_data["comment"]]).strip()


class MessageForm(forms.Form):
    """Names one message of a conversation, and the model to answer it again where one is chosen."""

    message_id = forms.UUIDField(required=False)
    model = forms.CharField(required=False, max_length=100)

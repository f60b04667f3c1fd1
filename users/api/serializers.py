"""What the calls take and give. Rules that need rows are the services'."""

from typing import Any

from rest_framework import serializers

from users.models import User, normalise_email
from users.names import LONGEST_NAME, refuse_controls
from users.passwords import LONGEST
from users.services import NewAccount

LONGEST_TOKEN = 4096
DIFFERENT = "The two passwords differ."


class NameField(serializers.CharField):
    """A name: at most 100 characters, no controls."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", LONGEST_NAME)
        options.setdefault("validators", [refuse_controls])
        super().__init__(**options)


class AddressField(serializers.EmailField):
    """An e-mail address in the one form in which it is stored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)

    def to_internal_value(self, data: Any) -> str:
        return normalise_email(super().to_internal_value(data))


class PasswordField(serializers.CharField):
    """A password as typed: nothing is trimmed; longer than any password may be is refused here."""

    def __init__(self, **options: Any) -> None:
        style = {"input_type": "password"}
        super().__init__(
            max_length=LONGEST, trim_whitespace=False, write_only=True, style=style, **options
        )


class UserSerializer(serializers.ModelSerializer[User]):
    """The ``user`` object of every answer."""

    identifier = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = [
            "id",
            "identifier",
            "username",
            "email",
            "first_name",
            "last_name",
            "user_type",
            "is_verified",
            "is_staff",
            "created_at",
            "updated_at",
            "last_login",
        ]
        read_only_fields = fields


class LogInAnswerSerializer(serializers.Serializer[Any]):
    """A log-in: who, and a pair of tokens."""

    user = UserSerializer()
    access = serializers.CharField()
    refresh = serializers.CharField()


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class DetailSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()


class SignUpSerializer(serializers.Serializer[Any]):
    username = NameField()
    email = AddressField()
    password = PasswordField()
    password2 = PasswordField()
    first_name = NameField(required=False, allow_blank=True)
    last_name = NameField(required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["password"] != attrs["password2"]:
            raise serializers.ValidationError({"password2": [DIFFERENT]})
        return attrs

    def new_account(self) -> NewAccount:
        fields = {key: text for key, text in self.validated_data.items() if key != "password2"}
        return NewAccount(**fields)


class LogInSerializer(serializers.Serializer[Any]):
    # Not an AddressField: what is no address has no account, and the answer is the same.
    email = serializers.CharField(max_length=254)
    password = PasswordField()


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=LONGEST_TOKEN)


class ProfileSerializer(serializers.Serializer[Any]):
    username = NameField(required=False)
    first_name = NameField(required=False, allow_blank=True)
    last_name = NameField(required=False, allow_blank=True)


class DeleteSerializer(serializers.Serializer[Any]):
    """A visitor has no password and needs none."""

    password = PasswordField(required=False, allow_blank=True, default="")


class ChangePasswordSerializer(serializers.Serializer[Any]):
    old_password = PasswordField()
    new_password = PasswordField()


class VerifySerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=LONGEST_TOKEN)


class AddressSerializer(serializers.Serializer[Any]):
    email = AddressField()


class ResetSerializer(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=200)
    new_password = PasswordField()

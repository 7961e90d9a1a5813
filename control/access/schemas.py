"""Keys, people and logging in, as the API takes and gives them."""

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic import StringConstraints as Text

from control.access.roles import Role
from control.access.tokens import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from control.fields import Input, Name, Output, TimeOut, example, unset

Login = Annotated[
    str, Text(strip_whitespace=True, to_lower=True, min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$")
]
NewPassword = Annotated[SecretStr, Field(min_length=MIN_PASSWORD_CHARS, max_length=MAX_PASSWORD_CHARS)]


class KeyIn(Input):
    """A new API key."""

    name: Name = Field(examples=["Nightly import"])
    role: Role = Role.EDITOR


class Key(Output):
    """An API key; `hint` is how its token begins."""

    id: str = Field(examples=["key_mfzwizltoq2dgnbt"])
    name: str
    role: Role
    hint: str
    created_at: TimeOut


class NewKey(Key):
    """A key just made, with its token, which is shown this once."""

    token: str = Field(examples=["tn_..."])


class UserIn(Input):
    """A new person; `login` is what they type to log in, such as an email address.

    Without a password they cannot log in before they have set one through a password link.
    """

    login: Login = Field(examples=["mara@yourbrand.com"])
    name: Name | None = None
    role: Role = Role.EDITOR
    password: NewPassword | None = Field(default=None, examples=["four words nobody guesses"])


class UserPatch(Input):
    """What of a person can change; another password or role ends their sessions."""

    model_config = example(role="viewer")

    name: Name = Field(default_factory=unset)
    role: Role = Field(default_factory=unset)
    password: NewPassword = Field(default_factory=unset)


class User(Output):
    """A person who logs in."""

    id: str = Field(examples=["u_mfzwizltoq2dgnbt"])
    login: str
    name: str
    role: Role
    created_at: TimeOut
    last_login_at: TimeOut | None


class PasswordLink(Output):
    """A link by which its person sets a new password; it works once, and is shown this once."""

    url: str = Field(examples=["https://turnout.yourbrand.com/password/set_..."])
    expires_at: TimeOut


class PasswordChange(Input):
    """One's own new password, with the present one."""

    model_config = example(present_password="four words nobody guesses", new_password="other words")  # noqa: S106

    present_password: Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    new_password: NewPassword


class FirstAdmin(Input):
    """Who sets an installation up; `secret` is the password that was printed, or given, at the first start."""

    secret: Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    login: Login
    name: Name
    password: NewPassword


class Credentials(Input):
    """What a person logs in with; `email` and `username` are understood for `login`."""

    model_config = example(login="mara@yourbrand.com", password="four words nobody guesses")  # noqa: S106  # an example

    login: Login = Field(validation_alias=AliasChoices("login", "email", "username"))
    password: Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]


class Me(Output):
    """Who is asking. `csrf_token` goes into the header X-CSRF-Token of a session's requests; null for a key."""

    id: str
    name: str
    role: Role
    kind: str
    csrf_token: str | None

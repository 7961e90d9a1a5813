"""Keys, people, their sessions and password links as stored: no secret is kept in a form that could be used."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class KeyRow(Base):
    """An API key; `digest` is the SHA-256 of the whole token, `hint` its first characters."""

    __tablename__ = "api_keys"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)


class UserRow(Base):
    """A person who logs in; `login` is lower case, `password` an argon2 hash, "" until they have set one.

    `last_login_at` is null until they have logged in.
    """

    __tablename__ = "users"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_login_at: Mapped[int | None] = mapped_column(BigInteger)


class SessionRow(Base):
    """A browser that is logged in; `digest` is the SHA-256 of its cookie, `csrf` what its forms must repeat."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class PasswordLinkRow(Base):
    """A link by which one person sets a password, once; `digest` is the SHA-256 of what stands in it."""

    __tablename__ = "password_links"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)

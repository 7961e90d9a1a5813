"""Partners as stored."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class PartnerRow(Base):
    """A partner; `slug` is what `?via=` names, so that it never changes."""

    __tablename__ = "partners"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)

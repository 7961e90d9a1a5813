"""Tables of the clicks database. Times are milliseconds since 1970 UTC, quarters are quarter hours since then.

Rows that are read in ranges lie in the order of their primary keys (SQLite: WITHOUT ROWID), so that a chart reads
neighbours.
"""

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import ClicksBase, RowNumber

_IN_KEY_ORDER: dict[str, Any] = {"sqlite_with_rowid": False}


class TextRow(ClicksBase):
    """A text that many clicks share, and the number they share it as; all of them configured, none sent by visitors."""

    __tablename__ = "click_texts"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text, unique=True)


class ClickRow(ClicksBase):
    """One raw click. `offer` to `browser` are numbers of texts, `visitor` its hash, `first` whether it is a unique."""

    __tablename__ = "clicks"
    __table_args__ = (Index("ix_clicks_click_id", "click_id"), _IN_KEY_ORDER)

    offer: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    time_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    click_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    first: Mapped[int] = mapped_column(SmallInteger)
    domain: Mapped[int] = mapped_column(Integer)
    slug: Mapped[int] = mapped_column(Integer)
    link: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    rule: Mapped[int] = mapped_column(Integer)
    country: Mapped[int] = mapped_column(Integer)
    device: Mapped[int] = mapped_column(Integer)
    os: Mapped[int] = mapped_column(Integer)
    browser: Mapped[int] = mapped_column(Integer)
    via: Mapped[str] = mapped_column(Text)
    coupon: Mapped[str] = mapped_column(Text)
    sub1: Mapped[str] = mapped_column(Text)
    sub2: Mapped[str] = mapped_column(Text)
    sub3: Mapped[str] = mapped_column(Text)
    sub4: Mapped[str] = mapped_column(Text)
    sub5: Mapped[str] = mapped_column(Text)
    referrer: Mapped[str] = mapped_column(Text)
    ip: Mapped[str] = mapped_column(Text)
    visitor: Mapped[int | None] = mapped_column(BigInteger)


class VisitorRow(ClicksBase):
    """A visitor who has clicked on an offer on a UTC day (days since 1970)."""

    __tablename__ = "click_visitors"
    __table_args__ = (_IN_KEY_ORDER,)

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    offer: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    visitor: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class CellRow(ClicksBase):
    """One combination of values under a shape of an offer; `v1` to `v5` in the order of the shape's dimensions."""

    __tablename__ = "click_cells"
    __table_args__ = (UniqueConstraint("offer", "shape", "v1", "v2", "v3", "v4", "v5"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    offer: Mapped[int] = mapped_column(Integer)
    shape: Mapped[int] = mapped_column(SmallInteger)
    v1: Mapped[str] = mapped_column(Text)
    v2: Mapped[str] = mapped_column(Text)
    v3: Mapped[str] = mapped_column(Text)
    v4: Mapped[str] = mapped_column(Text)
    v5: Mapped[str] = mapped_column(Text)


class QuarterRow(ClicksBase):
    """The measures of one cell in one quarter hour; what is written with every batch lies close together."""

    __tablename__ = "click_quarters"
    __table_args__ = (_IN_KEY_ORDER,)

    offer: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    shape: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    quarter: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    clicks: Mapped[int] = mapped_column(Integer)
    uniques: Mapped[int] = mapped_column(Integer)
    bots: Mapped[int] = mapped_column(Integer)
    duplicates: Mapped[int] = mapped_column(Integer)
    prefetches: Mapped[int] = mapped_column(Integer)


class DaysRow(ClicksBase):
    """The measures of one cell over whole local days, `days` of them from `day` on; counts only while that is closed.

    `shift` is how many quarters local time is ahead of UTC (0 to 95), `day` = (quarter + shift) / 96.
    """

    __tablename__ = "click_days"
    __table_args__ = (_IN_KEY_ORDER,)

    shift: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    days: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    clicks: Mapped[int] = mapped_column(Integer)
    uniques: Mapped[int] = mapped_column(Integer)
    bots: Mapped[int] = mapped_column(Integer)
    duplicates: Mapped[int] = mapped_column(Integer)
    prefetches: Mapped[int] = mapped_column(Integer)


class ClosedDaysRow(ClicksBase):
    """Local days whose DaysRows hold all that their quarters hold; a late click opens them again."""

    __tablename__ = "click_closed_days"
    __table_args__ = (_IN_KEY_ORDER,)

    shift: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    days: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class ShiftRow(ClicksBase):
    """A distance from UTC for which days are kept, because somebody asked for it; `asked_at` last time."""

    __tablename__ = "click_shifts"

    shift: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    asked_at: Mapped[int] = mapped_column(BigInteger)


class ColumnRow(ClicksBase):
    """One column of a block of an offer's clicks on a UTC day, in the order of time; counts only while that is closed.

    `codes` is for every click the place of its value in `texts`: a byte, where there are more than 256 a low byte for
    each and then a high byte for each, where there is one value None. `name` is a dimension, `measure` or `quarter`.
    """

    __tablename__ = "click_columns"

    offer: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    clicks: Mapped[int] = mapped_column(Integer)
    texts: Mapped[list[Any]]
    codes: Mapped[bytes | None] = mapped_column(LargeBinary)


class BootRow(ClicksBase):
    """The account of one worker process: SQL has every batch up to `done`; `produced` and `dropped` as it told last.

    `recorded` counts events in SQL, `malformed` those that were no clicks and are dead letters.
    """

    __tablename__ = "click_boots"

    boot: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    slot: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(BigInteger)
    produced: Mapped[int] = mapped_column(BigInteger)
    recorded: Mapped[int] = mapped_column(BigInteger)
    malformed: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[dict[str, Any]]
    first_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger, index=True)


class SeenRow(ClicksBase):
    """A batch above its boot's `done` that SQL has, because one before it is still on its way."""

    __tablename__ = "click_seen"
    __table_args__ = (_IN_KEY_ORDER,)

    boot: Mapped[str] = mapped_column(Text, primary_key=True)
    batch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class DeadLetterRow(ClicksBase):
    """Something in the stream that is no click, kept for whoever wants to know why."""

    __tablename__ = "click_dead_letters"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    boot: Mapped[str] = mapped_column(Text)
    batch: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)

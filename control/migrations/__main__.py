"""`python -m control.migrations add NAME WORDS`: write the next revision of a database from what the models say now."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from alembic import command
from sqlalchemy import Connection

from control.db import Database
from control.migrations.upgrade import METADATA, config_for, upgrade

_HERE: Final = Path(__file__).parent


def _write(connection: Connection, name: str, words: str) -> None:
    number = 1 + len(list((_HERE / name / "versions").glob("[0-9]*.py")))
    command.revision(config_for(connection, name), words, autogenerate=True, rev_id=f"{number:04}")


async def _add(name: str, words: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{folder}/empty.db")
        await upgrade(db, name)
        async with db.write() as session:
            await (await session.connection()).run_sync(_write, name, words)
        await db.close()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "add" or sys.argv[2] not in METADATA:
        sys.exit(f"usage: python -m control.migrations add {'|'.join(METADATA)} WORDS")
    asyncio.run(_add(sys.argv[2], sys.argv[3]))

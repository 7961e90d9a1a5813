"""`python -m control.migrations regenerate`: write both initial revisions anew from the models."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from alembic import command
from sqlalchemy import Connection

from control.db import Database
from control.migrations.upgrade import METADATA, config_for

_HERE: Final = Path(__file__).parent


def _regenerate(connection: Connection, name: str) -> None:
    for old in (_HERE / name / "versions").glob("0001_*.py"):
        old.unlink()
    command.revision(config_for(connection, name), "initial", autogenerate=True, rev_id="0001")


async def _main() -> None:
    for name in METADATA:
        with tempfile.TemporaryDirectory() as folder:
            db = Database.open(f"sqlite:///{folder}/empty.db")
            async with db.write() as session:
                await (await session.connection()).run_sync(_regenerate, name)
            await db.close()


if __name__ == "__main__":
    if sys.argv[1:] != ["regenerate"]:
        sys.exit("usage: python -m control.migrations regenerate")
    asyncio.run(_main())

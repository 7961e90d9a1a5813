"""Bringing a database to the newest schema, in one transaction under the writer lock."""

from pathlib import Path
from typing import Any, Final

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from control.db import Base, ClicksBase, Database
from control.migrations import tables

_HERE: Final = Path(__file__).parent
METADATA: Final[dict[str, MetaData]] = {"config": Base.metadata, "clicks": ClicksBase.metadata}
"""Name of a migrations folder -> the tables it is about."""

assert tables  # imported so that the metadata above are complete


async def upgrade(db: Database, name: str) -> None:
    """Bring `db` to the newest schema of `name` (`config` or `clicks`), unless a later release has been here."""
    async with db.write() as session:
        await session.execute(text("SELECT 1"))  # takes the lock: Alembic's context is one for all of the process
        connection = await session.connection()
        await connection.run_sync(_upgrade, name)


def config_for(connection: Connection, name: str) -> Config:
    """Return Alembic's configuration of one migrations folder, over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_HERE / name).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["name"] = name
    return config


def _upgrade(connection: Connection, name: str) -> None:
    config = config_for(connection, name)
    if _is_known(connection, config, name):
        command.upgrade(config, "head")


def _is_known(connection: Connection, config: Config, name: str) -> bool:
    """Tell whether a database is as this release or one before it left it; a later one's suits this one as it is."""
    stands = MigrationContext.configure(connection, opts={"version_table": _version_table(name)}).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return stands is None or stands in known


def _version_table(name: str) -> str:
    return f"schema_version_{name}"


def run() -> None:
    """Run the migrations that Alembic asks for: the whole of both `env.py`."""
    name: str = context.config.attributes["name"]
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA[name],
        version_table=_version_table(name),
        include_name=_only_tables_of(METADATA[name]),
        render_as_batch=True,
    )
    context.run_migrations()


def _only_tables_of(metadata: MetaData) -> Any:
    """Under PostgreSQL both databases are one: look only at the tables of this one."""
    return lambda name, kind, _parents: kind != "table" or name in metadata.tables

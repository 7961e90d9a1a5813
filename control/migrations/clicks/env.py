"""Alembic's entry into this folder."""

from control.migrations.upgrade import run

run()

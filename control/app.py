"""The composition root: builds the parts, starts and stops what runs beside requests, returns the ASGI app."""

from fastapi import FastAPI

from control import errors
from control.parts import Parts


def create_app(parts: Parts) -> FastAPI:
    """Return the app over `parts`."""
    app = FastAPI(title="Turnout", docs_url=None, redoc_url=None)
    app.state.parts = parts
    errors.install(app)
    return app

"""Every page that is made from the code, by its place in the project."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from control.app import close, create_app, open_parts
from control.settings import ControlSettings
from deploy.reference import api, settings

ROOT: Final = Path(__file__).parent.parent.parent


async def pages() -> dict[str, str]:
    """Return name -> text of every page."""
    document = await openapi_document()
    return {
        "deploy/CONFIGURATION.md": settings.page(),
        "control/openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        "control/API.md": api.page(document),
    }


async def openapi_document() -> dict[str, Any]:
    """Return what control serves at /openapi.json, whatever this machine's environment says."""
    with tempfile.TemporaryDirectory() as folder:
        parts = open_parts(ControlSettings.model_construct(data_dir=Path(folder)))
        try:
            document: dict[str, Any] = create_app(parts).openapi()
            return document
        finally:
            await close(parts)

"""QR codes of tracking URLs, as SVG."""

import io
from typing import Final

import segno
from fastapi.responses import Response

from control.web.render import SECURITY_HEADERS

_QUIET_MODULES: Final = 4
"""The empty border that scanners need."""


def response(url: str, download_as: str = "") -> Response:
    """Return the QR code of `url`, black on white in any theme; with a name it is a file to save."""
    drawn = io.BytesIO()
    code = segno.make(url, error="m", micro=False)
    code.save(drawn, kind="svg", scale=8, border=_QUIET_MODULES, dark="#000", light="#fff", xmldecl=False)
    headers = dict(SECURITY_HEADERS)
    if download_as:
        headers["Content-Disposition"] = f'attachment; filename="{download_as}.svg"'
    return Response(drawn.getvalue(), media_type="image/svg+xml", headers=headers)

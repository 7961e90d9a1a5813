"""Style sheets and modules: asked for anew each time by their ETag, so that an update needs no other address."""

from typing import Any

from fastapi.responses import Response
from starlette.staticfiles import StaticFiles


class StaticFolder(StaticFiles):
    """Files of a folder that browsers keep and ask about before they use them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or 304 where the browser has it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

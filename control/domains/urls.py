"""What a link looks like to the world."""

from control.settings import ControlSettings
from shared.key import DEFAULT_DOMAIN


def link_url(settings: ControlSettings, host: str, slug: str) -> str:
    """Return the URL of `slug` on a custom domain, or on the public URL where `host` is `_`."""
    base = settings.links_base
    if host != DEFAULT_DOMAIN:
        base = f"{base.partition('://')[0]}://{host}"
    return f"{base}/{slug}"

"""Asks the part in this container whether it lives: `healthcheck.py edge|control` ends with 0 when it does.

Alive, not ready: a container is started again for being unhealthy, and an edge that lacks Redis still serves.
"""

import http.client
import os
import sys

PORTS = {"edge": ("TURNOUT_EDGE_ADMIN_PORT", "8082"), "control": ("TURNOUT_CONTROL_PORT", "8081")}
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 (connected to, not bound)
TIMEOUT_S = 4.0


def is_alive(part: str) -> bool:
    """Tell whether `part`, at its port of this container, answers `/livez` with 200."""
    host = os.environ.get("TURNOUT_HOST", "")
    name, default = PORTS[part]
    address = ANY_ADDRESS.get(host, host), int(os.environ.get(name) or default)
    connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_alive(sys.argv[1]))

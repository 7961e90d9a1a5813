"""What the edge is measured against, doing the same job on the same core: nginx twice, and a plain Starlette route."""

import lzma
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from loadtests.bench.stage import EDGE_CPU
from loadtests.bench.visits import slug_of
from tests.installation import wait_until
from tests.servers import free_port

DATABASE: Final = Path(str(resources.files("shared"))) / "data" / "dbip-country-2026-06.mmdb.xz"
_MODULES: Final = Path("/usr/lib/nginx/modules")
_NEEDED: Final = ("ndk_http_module.so", "ngx_http_geoip2_module.so", "ngx_http_lua_module.so")

_COMMON: Final = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 4096; }}
http {{
  keepalive_requests 1000000000;
  geoip2 {folder}/country.mmdb {{ $country source=$http_x_forwarded_for country_code; }}
  log_format click escape=json '{{"at":"$msec","link":"$uri","country":"$country","rule":"$rule","id":"$request_id",'
    '"from":"$http_referer","sub1":"$arg_sub1"}}';
  access_log {folder}/{name}.log click buffer=64k flush=1s;
"""

_LUA: Final = (
    """
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_geoip2_module.so;
load_module {modules}/ngx_http_lua_module.so;
"""
    + _COMMON
    + """
  lua_package_path "/usr/share/lua/5.1/?.lua;;";
  init_by_lua_block {{
    links = {{}}
    for number = 0, {links} - 1 do
      links[string.format("/l%04d", number)] = {{
        ["US mobile"] = {{ "us_mobile", "https://apps.apple.com/us/app/your-app?click_id=" }},
        ["US desktop"] = {{ "us_desktop", "https://yourbrand.com/landing?click_id=" }},
        ["GB mobile"] = {{ "uk", "https://yourbrand.co.uk/landing?click_id=" }},
        ["GB tablet"] = {{ "uk", "https://yourbrand.co.uk/landing?click_id=" }},
        ["GB desktop"] = {{ "uk", "https://yourbrand.co.uk/landing?click_id=" }},
        fallback = {{ "fallback", "https://yourbrand.com/?click_id=" }},
      }}
    end
    local devices = {{}}
    function device_of(agent)
      local device = devices[agent]
      if device then return device end
      local text = string.lower(agent)
      local has = function(word) return text:find(word, 1, true) end
      local tablet = has("ipad") or has("android") and not has("mobile")
      device = tablet and "tablet" or has("mobile") and "mobile" or "desktop"
      devices[agent] = device
      return device
    end
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      set $rule "";
      content_by_lua_block {{
        local var = ngx.var
        local link = links[var.uri]
        if not link then return ngx.exit(404) end
        local to = link[(var.country or "") .. " " .. device_of(var.http_user_agent or "")] or link.fallback
        var.rule = to[1]
        ngx.header["Cache-Control"] = "private, no-store"
        return ngx.redirect(to[2] .. var.request_id, 302)
      }}
    }}
  }}
}}
"""
)

_MAP: Final = (
    """
load_module {modules}/ngx_http_geoip2_module.so;
"""
    + _COMMON
    + """
  map $http_user_agent $device {{
    default desktop;
    ~*ipad tablet;
    "~*android(?!.*mobile)" tablet;
    "~*mobile" mobile;
  }}
  map $uri $link {{ default 0; include {folder}/links.map; }}
  map "$link $country $device" $rule {{
    default fallback;
    "~^1 US mobile" us_mobile;
    "~^1 US desktop" us_desktop;
    "~^1 GB " uk;
  }}
  map $rule $destination {{
    fallback https://yourbrand.com/?click_id=$request_id;
    us_mobile https://apps.apple.com/us/app/your-app?click_id=$request_id;
    us_desktop https://yourbrand.com/landing?click_id=$request_id;
    uk https://yourbrand.co.uk/landing?click_id=$request_id;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      if ($link = 0) {{ return 404; }}
      add_header Cache-Control "private, no-store" always;
      return 302 $destination;
    }}
  }}
}}
"""
)


class Rival:
    """A server for comparison, listening on `port`."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        self.name = name
        self.port = port
        self._process = subprocess.Popen(["taskset", "-c", EDGE_CPU, *command], stderr=subprocess.DEVNULL)
        wait_until(lambda: _listens(port), lambda: f"{name} does not start")

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()


def missing() -> list[str]:
    """Return what must be installed before rivals can run."""
    tools = [name for name in ("nginx", "wrk", "redis-server", "taskset") if not shutil.which(name)]
    return tools + [name for name in _NEEDED if not (_MODULES / name).exists()]


def write_database(folder: Path) -> Path:
    """Unpack the country database, its field `country_code`, into a folder; return the file."""
    path = folder / "country.mmdb"
    path.write_bytes(lzma.decompress(DATABASE.read_bytes()))
    return path


def start(folder: Path, links: int) -> list[Rival]:
    """Start all rivals with so many links, their rules those of the example offer."""
    database = _prepare(folder, links)
    port = free_port()
    plain = [sys.executable, "-m", "loadtests.bench.plain_route", str(port), str(database), str(links)]
    lua = _nginx("nginx+LuaJIT", _LUA, folder, links)
    return [lua, _nginx("nginx map", _MAP, folder, links), Rival("Starlette route", plain, port)]


@contextmanager
def static_map(folder: Path, links: int) -> Iterator[Rival]:
    """Run nginx with its static map alone, with so many links, while the block runs."""
    _prepare(folder, links)
    rival = _nginx("nginx map", _MAP, folder, links)
    try:
        yield rival
    finally:
        rival.close()


def _prepare(folder: Path, links: int) -> Path:
    """Write what both nginx read; return the country database."""
    (folder / "links.map").write_text("".join(f"/{slug_of(number)} 1;\n" for number in range(links)))
    return write_database(folder)


def _nginx(name: str, text: str, folder: Path, links: int) -> Rival:
    port, file_name = free_port(), name.replace("+", "-").replace(" ", "-")
    config = folder / f"{file_name}.conf"
    config.write_text(text.format(modules=_MODULES, folder=folder, name=file_name, port=port, links=links))
    return Rival(name, ["nginx", "-c", str(config)], port)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0

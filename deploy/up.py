"""`turnout up`: Redis, control and edge on one machine, started in that order, watched, stopped in reverse."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console

from deploy import demo, embedded_redis, geo, login
from deploy.api import Api, ApiError
from deploy.children import Child, Program, keep_last_log, python
from deploy.data_folder import DataFolder
from deploy.machine import LOOPBACK, Machine, look
from deploy.refusal import Refusal

RULES_REDIS: Final = "redis-rules"
CLICKS_REDIS: Final = "redis-clicks"
_ORDER: Final = (RULES_REDIS, CLICKS_REDIS, "control", "edge")
_SECRETS: Final = ("TURNOUT_DATABASE_URL", "TURNOUT_BOOTSTRAP_API_KEY", "TURNOUT_ADMIN_PASSWORD", "TURNOUT_API_KEY")
"""What the edge, which faces strangers, is not told."""

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(*, with_demo: bool) -> None:
    """Run everything until a signal. Raises Refusal when it cannot be started, or cannot be kept running."""
    if with_demo:
        os.environ.setdefault("TURNOUT_TRUSTED_PROXIES", LOOPBACK)
    machine = look()
    folder = DataFolder(machine.data_dir)
    folder.claim()
    try:
        asyncio.run(Up(machine, folder, Console(highlight=False, soft_wrap=True), with_demo=with_demo).run())
    finally:
        folder.release()


class Up:
    """One run of everything on one machine."""

    def __init__(self, machine: Machine, folder: DataFolder, console: Console, *, with_demo: bool) -> None:
        self._machine = machine
        self._folder = folder
        self._console = console
        self._with_demo = with_demo
        self._children: list[Child] = []

    async def run(self) -> None:
        """Start, tell, watch; stop everything in reverse on a signal or when a child cannot be kept running."""
        work = asyncio.ensure_future(self._start_and_watch())
        for signal_number in _STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(signal_number, self._on_signal, work)
        try:
            await work
        except asyncio.CancelledError:
            self._tell("Stopping (again Ctrl-C: at once).")
        finally:
            for child in reversed(self._children):
                await child.stop()
        self._tell("Stopped.")

    def _on_signal(self, work: asyncio.Future[None]) -> None:
        """The first signal stops in order, the next one at once."""
        if not work.cancel():
            for child in self._children:
                child.kill()

    async def _start_and_watch(self) -> None:
        self._stop_orphans()
        self._machine.require_free_ports()
        self._machine.require_given_redis()
        first_login = self._first_login()
        programs = self._programs(first_login)
        self._tell(f"Starting {', '.join(program.name for program in programs)}.")
        for program in programs:
            await self._start(program)
        await self._tell_where(first_login)
        await _until_one_fails(child.keep_running(self._tell) for child in self._children)

    def _stop_orphans(self) -> None:
        for name in reversed(_ORDER):
            if self._folder.stop_orphan(name):
                self._tell(f"Stopped the {name} that an earlier, killed start had left running.")

    def _first_login(self) -> login.Login:
        """Return the login kept from an earlier start, or make one and keep it."""
        data_dir = self._machine.data_dir
        ours = not os.environ.get("TURNOUT_DATABASE_URL")
        if ours and not (data_dir / "control.db").exists():
            login.forget(data_dir)
        kept = login.stored(data_dir)
        if kept is None:
            kept = login.make(os.environ)
            login.keep(data_dir, kept)
        return kept

    def _programs(self, first_login: login.Login) -> list[Program]:
        """Return what to run, in order: each needs those before it."""
        servers = self._embedded_servers()
        rules = self._machine.redis_url or servers[0].url
        clicks = self._machine.clicks_redis_url or servers[-1].url
        common = {**os.environ, **self._machine.environment()}
        common |= {"TURNOUT_REDIS_URL": rules, "TURNOUT_CLICKS_REDIS_URL": clicks}
        common.setdefault("TURNOUT_LOG_FORMAT", "text")
        self._folder.note({"control": self._machine.control_url, "redis": rules, "clicks_redis": clicks})
        return [*(server.program for server in servers), self._control(common, first_login), self._edge(common)]

    def _embedded_servers(self) -> list[embedded_redis.EmbeddedRedis]:
        folder = self._machine.data_dir / "redis"
        servers = []
        if not self._machine.redis_url:
            servers.append(embedded_redis.prepare(RULES_REDIS, folder / "rules", durable=False))
        if not self._machine.clicks_redis_url:
            servers.append(embedded_redis.prepare(CLICKS_REDIS, folder / "clicks", durable=True))
        return servers

    def _control(self, common: Mapping[str, str], first_login: login.Login) -> Program:
        url = f"{self._machine.control_url}/readyz"
        environment = {**common, **first_login.environment()}
        return Program("control", python("control"), lambda: _is_ok(url), environment, grace_s=60.0)

    def _edge(self, common: Mapping[str, str]) -> Program:
        url = f"{self._machine.edge_admin_url}/readyz"
        environment = {name: value for name, value in common.items() if name not in _SECRETS}
        return Program("edge", python("edge"), lambda: _is_ok(url), environment, self._machine.drain_seconds + 30.0)

    async def _start(self, program: Program) -> None:
        child = Child(program, self._folder)
        keep_last_log(child.log)
        self._children.append(child)
        await child.start()

    async def _tell_where(self, first_login: login.Login) -> None:
        """Print what runs where and how to log in; with `--demo` the example too."""
        api = Api(self._machine.control_url, login.api_key(self._machine.data_dir))
        accepted = await asyncio.to_thread(_is_accepted, api)
        self._print_places()
        self._print_login(first_login, accepted=accepted)
        if self._with_demo:
            await self._show_demo(api)
        self._tell("\nCtrl-C stops everything.")

    def _print_places(self) -> None:
        machine = self._machine
        self._tell(f"Turnout {version('turnout')} is running.\n")
        self._tell(f"  Links   {machine.edge_url}/<slug>")
        self._tell(f"  Admin   {machine.control_url}")
        self._tell(f"  API     {machine.control_url}/api/v1  (described at /openapi.json)")
        self._tell(f"  Health  {machine.edge_admin_url}/readyz and /metrics")
        self._tell(f"  Data    {machine.data_dir}  (logs in {self._folder.logs})\n")
        try:
            geo.in_use(machine.data_dir)
        except Refusal as exc:
            self._tell(f"Beware: {exc}\n")

    def _print_login(self, made: login.Login, *, accepted: bool) -> None:
        """Print how to log in, secrets only once: at the first start, and only those that nobody gave us."""
        data_dir = self._machine.data_dir
        if not accepted:
            login.forget(data_dir)
            self._tell("This database has its people and keys already: log in as before.")
        elif made.shown:
            self._tell("Log in as before: at first as admin, with the password of the first start.")
        else:
            self._tell("This is the first start. What was made up for it is shown only now:\n")
            secret = f"#{made.password}" if made.password else ""
            self._tell(f"  Open     {self._machine.control_url}/setup{secret} to make the admin your own")
            self._tell(f"  Login    admin / {made.password or '(the password in TURNOUT_ADMIN_PASSWORD)'}")
            self._tell(f"  API key  {made.api_key or '(the one in TURNOUT_BOOTSTRAP_API_KEY)'}")
            if made.api_key:
                self._tell(f"\nThe commands on this machine find the key in {data_dir / 'login.json'}.")
            login.was_shown(data_dir, made)

    async def _show_demo(self, api: Api) -> None:
        """Put the example in and print three clicks that go to three places."""
        is_new = await asyncio.to_thread(demo.fill, api, self._machine.data_dir / "spool")
        trusted = os.environ["TURNOUT_TRUSTED_PROXIES"]
        self._tell(f"\nThe example is at {self._machine.edge_url}/{demo.SLUG}; click it as three visitors:\n")
        for visitor in demo.VISITORS:
            place = await asyncio.to_thread(demo.destination, self._machine.edge_url, visitor)
            self._tell(f"  # {visitor.who}: {place.partition('?')[0] or 'no answer'}")
            self._tell(f"  {demo.curl(self._machine.edge_url, visitor)}\n")
        self._tell(
            f"These lines choose their own address because this demo trusts X-Forwarded-For from {trusted}"
            " (TURNOUT_TRUSTED_PROXIES); without --demo nobody is trusted."
        )
        if is_new:
            self._tell("A month of made-up clicks and some sales are on their way to the charts.")

    def _tell(self, text: str) -> None:
        self._console.print(text, markup=False)
        sys.stdout.flush()


async def _until_one_fails(watches: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run the watches for good; raise what the first one raises, once none of them starts anything any more."""
    tasks = [asyncio.ensure_future(watch) for watch in watches]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_ok(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as response:  # noqa: S310 (the scheme is ours)
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _is_accepted(api: Api) -> bool:
    """Tell whether control knows the key that the commands on this machine use."""
    try:
        api.get("/offers?limit=1")
    except ApiError as exc:
        if exc.status == 401:
            return False
        raise Refusal(f"Control does not work as it should: {exc}") from exc
    return True

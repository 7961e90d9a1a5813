"""`turnout`: every command is a few lines that call the part which does the work."""

import datetime
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.refusal import Refusal

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Smart links.")
geo_app = typer.Typer(no_args_is_help=True, help="The country database.")
app.add_typer(geo_app, name="geo")

_console: Final = Console(highlight=False, soft_wrap=True)
_LEVEL_STYLES: Final = {"ok": "green", "note": "yellow", "bad": "bold red"}

ControlUrl = Annotated[str, typer.Option("--control", help="Address of control; this machine's where left out.")]
Source = Literal["shlink", "kutt"]
Switched = Annotated[str, typer.Argument(help="Slug of an offer, or host of a domain.")]
Archive = Annotated[Path, typer.Argument(dir_okay=False)]


def main() -> NoReturn:
    """Run the command line; a refusal is one sentence and exit status 1."""
    try:
        app()
    except Refusal as exc:
        print(f"turnout: {exc}", file=sys.stderr)  # noqa: T201 (for the person at the terminal)
        sys.exit(1)
    sys.exit(0)


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Add an example offer with partners; trust loopback as a proxy.")
    ] = False,
) -> None:
    """Run everything on this machine: Redis, control and one edge."""
    from deploy.up import run

    run(with_demo=demo)


@app.command()
def edge(workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.")] = None) -> None:
    """Run an edge, which answers clicks."""
    from edge.__main__ import main as run

    sys.exit(run([] if workers is None else ["--workers", str(workers)]))


@app.command()
def control() -> None:
    """Run control: the API, the admin pages, the publisher and the click ingester."""
    from control.__main__ import main as run

    sys.exit(run())


@app.command()
def doctor() -> None:
    """Say what is wrong with this set-up, and what to do about it."""
    from deploy.doctor import Level, examine

    bad = False
    for finding in examine():
        bad = bad or finding.level is Level.BAD
        style = _LEVEL_STYLES[finding.level]
        _console.print(f"[{style}]{finding.level:>4}[/]  {escape(finding.subject)}: {escape(finding.found)}")
        if finding.advice:
            _console.print(f"      -> {escape(finding.advice)}")
    if bad:
        raise typer.Exit(1)


@geo_app.command("info")
def geo_info() -> None:
    """Say which country database is in use, and how old it is."""
    from deploy import geo
    from deploy.machine import look

    _show_geo(geo.inspect(geo.in_use(look().data_dir)))


@geo_app.command("update")
def geo_update(
    file: Annotated[Path | None, typer.Option(help="A file on this machine.")] = None,
    url: Annotated[str | None, typer.Option(help="An http or https address.")] = None,
    maxmind: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT:KEY", help="GeoLite2, with your MaxMind account; @FILE reads it from a file."),
    ] = None,
    dbip: Annotated[bool, typer.Option("--dbip", help="DB-IP Lite of this month (CC BY 4.0).")] = False,
) -> None:
    """Put a newer country database in place; running edges take it up by themselves."""
    from deploy import geo
    from deploy.machine import look

    if [file is not None, url is not None, maxmind is not None, dbip].count(True) != 1:
        raise Refusal("Say where from: one of --file, --url, --maxmind and --dbip.")
    place = geo.target(look().data_dir)
    if file is not None:
        info = geo.install(file, place)
    elif url is not None:
        info = geo.download(geo.from_url(url), place)
    elif maxmind is not None:
        info = geo.download(geo.from_maxmind(*geo.maxmind_account(maxmind)), place)
    else:
        info = geo.download(geo.from_dbip(datetime.datetime.now(datetime.UTC).date()), place)
    _show_geo(info)


@app.command()
def export(
    to: Annotated[Path | None, typer.Argument(dir_okay=False, help="File to write; printed where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
    control_url: ControlUrl = "",
) -> None:
    """Write the whole configuration as one document that can be diffed and imported."""
    document = _api(control_url).send("GET", f"/export?format={'json' if as_json else 'yaml'}").decode()
    if to is None:
        print(document, end="")  # noqa: T201 (the output of this command)
    else:
        to.write_text(document)


@app.command("import")
def import_(  # noqa: PLR0917 (the names are the command's options)
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML or JSON, as `export` writes it.")],
    plan: Annotated[bool, typer.Option("--plan", help="Show what would change; change nothing.")] = False,
    source: Annotated[
        Source | None, typer.Option("--from", help="The file is another shortener's list of links (see deploy/).")
    ] = None,
    skip_faults: Annotated[
        bool, typer.Option("--skip-faults", help="With --from: import the others where some links cannot be.")
    ] = False,
    override_tests: Annotated[
        bool,
        typer.Option(
            "--override-tests", help="Admins: import although saved tests fail; each one is put on the record."
        ),
    ] = False,
    control_url: ControlUrl = "",
) -> None:
    """Bring the configuration to what a document says, or move here from another shortener.

    A document with which saved tests of an offer would fail is refused whole, and says which and why.
    """
    import json

    from deploy.changes import lines_of

    api = _api(control_url)
    if source is not None:
        if override_tests:
            raise Refusal("--override-tests goes with a document: links moved here have no saved tests.")
        _move(api, source, file, only_plan=plan, skip_faults=skip_faults)
        return
    if skip_faults:
        raise Refusal("--skip-faults goes with --from: a document is imported whole or not at all.")
    content_type = "application/json" if file.suffix == ".json" else "application/yaml"
    query = f"plan={str(plan).lower()}&override_tests={str(override_tests).lower()}"
    answer = api.send("POST", f"/import?{query}", file.read_bytes(), content_type)
    for line in lines_of(json.loads(answer)):
        _console.print(line, markup=False)


def _move(api: Any, source: Source, file: Path, *, only_plan: bool, skip_faults: bool) -> None:
    """Plan first; import only what was planned, and nothing where something cannot be, unless told to skip it."""
    from deploy.shorteners import moving, report
    from deploy.shorteners.reading import entries_in

    found = moving.read(source, entries_in(file), datetime.datetime.now(datetime.UTC))
    mover = moving.Mover(api, source)
    move = mover.plan(found)
    refused = bool(move.faults) and not skip_faults
    if not only_plan and not refused:
        move = mover.apply(move)
    for line in report.lines(move, planned=only_plan or refused):
        _console.print(line, markup=False)
    if refused and not only_plan:
        raise Refusal("Nothing was imported: correct these entries, or leave them out with --skip-faults.")


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Argument(dir_okay=False, help="File to write, named by time where left out.")
    ] = None,
    clicks: Annotated[bool, typer.Option(help="Take the clicks too.")] = True,
) -> None:
    """Copy the databases into one archive, while everything runs."""
    from deploy import backup as backups
    from deploy.machine import control_settings

    target = to or Path(backups.default_name())
    names = backups.back_up(control_settings(), target, with_clicks=clicks)
    _console.print(f"{target} holds {' and '.join(names)}.", markup=False)


@app.command()
def restore(archive: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Put a backup's databases into an empty data folder."""
    from deploy import backup as backups
    from deploy.machine import control_settings

    settings = control_settings()
    names = backups.restore(settings, archive)
    _console.print(f"Restored {' and '.join(names)} into {settings.data_dir}; start with `turnout up`.", markup=False)


@app.command()
def pause(name: Switched, control_url: ControlUrl = "") -> None:
    """Switch an offer, or a whole domain, off: visitors go to its page for that, else get 410."""
    from deploy.pausing import switch

    _console.print(switch(_api(control_url), name, "pause"), markup=False)


@app.command()
def activate(name: Switched, control_url: ControlUrl = "") -> None:
    """Switch an offer, or a whole domain, on again."""
    from deploy.pausing import switch

    _console.print(switch(_api(control_url), name, "activate"), markup=False)


@app.command()
def canary(
    slug: Annotated[str, typer.Argument(help="Slug of an offer.")],
    share: Annotated[
        int | None, typer.Option(min=1, max=99, help="Publish it to this percentage of the workers.")
    ] = None,
    promote: Annotated[bool, typer.Option("--promote", help="Publish it to everyone.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Give everyone the revision before it.")] = False,
    control_url: ControlUrl = "",
) -> None:
    """Say how the canary of an offer goes; send it on to more workers or to everyone, or take it back."""
    from deploy import canary as canaries

    if [share is not None, promote, withdraw].count(True) > 1:
        raise Refusal("One of --share, --promote and --withdraw.")
    api = _api(control_url)
    if share is not None:
        _console.print(canaries.resize(api, slug, share), markup=False)
        return
    if promote or withdraw:
        _console.print(canaries.end(api, slug, "promote" if promote else "withdraw"), markup=False)
        return
    for line in canaries.lines(api, slug):
        _console.print(line, markup=False)


@app.command("test-visitor")
def try_visitor(  # noqa: PLR0917 (the names are the command's options)
    slug: Annotated[str, typer.Argument(help="Slug of an offer or of a link.")],
    country: Annotated[str | None, typer.Option(help="ISO code, such as US.")] = None,
    device: Annotated[str | None, typer.Option(help="desktop, mobile, tablet or other.")] = None,
    os_: Annotated[
        str | None, typer.Option("--os", help="ios, android, windows, macos, linux, chromeos or other.")
    ] = None,
    ip: Annotated[str | None, typer.Option(help="An address, instead of a country.")] = None,
    ua: Annotated[str | None, typer.Option(help="A User-Agent, instead of a device and system.")] = None,
    control_url: ControlUrl = "",
) -> None:
    """Say where a visitor would be sent, and why."""
    given = {"country": country, "device": device, "os": os_, "ip": ip, "user_agent": ua}
    visitor = {name: value for name, value in given.items() if value is not None}
    api = _api(control_url)
    _show_test(api.post(f"/offers/{_offer_behind(api, slug)}/smart-link/test", {"visitor": visitor}))


@app.command("version")
def version_() -> None:
    """Print the release."""
    print(version("turnout"))  # noqa: T201 (the output of this command)


def _api(control_url: str) -> Any:
    from deploy import login
    from deploy.api import Api
    from deploy.data_folder import DataFolder
    from deploy.machine import look

    machine = look()
    running = DataFolder(machine.data_dir).noted()
    base = control_url or str(running.get("control", machine.control_url))
    return Api(base, login.api_key(machine.data_dir))


def _offer_behind(api: Any, slug: str) -> str:
    """Return the id of the offer that `slug` leads to."""
    from urllib.parse import urlencode

    query = urlencode({"slug": slug})
    offer_ids = [offer["id"] for offer in api.get(f"/offers?{query}")["items"]]
    offer_ids += [link["offer_id"] for link in api.get(f"/links?{query}")["items"]]
    if not offer_ids:
        raise Refusal(f"There is neither an offer nor a link with the slug {slug!r}.")
    return str(offer_ids[0])


def _show_geo(info: Any) -> None:
    _console.print(f"{info.path}\n{info.kind}, built {info.built_on} ({info.age_days} days ago)", markup=False)
    if info.is_dbip:
        _console.print("IP Geolocation by DB-IP, https://db-ip.com (CC BY 4.0)", markup=False)


def _show_test(answer: dict[str, Any]) -> None:
    visitor = answer["visitor"]
    table = Table("rule", "outcome", "because", box=None, padding=(0, 2, 0, 0))
    for rule in answer["trace"]:
        failed = [f"{it['kind']} is {it['value']}, needs {it['needs']}" for it in rule["conditions"] if not it["holds"]]
        table.add_row(escape(rule["name"] or rule["rule_id"]), rule["outcome"], escape("; ".join(failed)))
    _console.print(", ".join(f"{name}: {value}" for name, value in visitor.items() if value != ""), markup=False)
    _console.print(table)
    _console.print(f"{answer['rule_id'] or 'nothing'} -> {answer['location'] or 'gone (410)'}", markup=False)


if __name__ == "__main__":
    main()

"""How often visitors are classified right, on labelled User-Agents and addresses.

usage: python -m loadtests.bench.accuracy [FOLDER]

FOLDER holds `ua/` (labelled User-Agents) and `geo/` (addresses and their countries); by default ../shared/data beside
the checkout. Prints one table and ends with status 1 if a floor is missed. Rates are percentages. Rows count once,
those of the traffic by their share of it. Times are of one thread: run it alone on the machine.
"""

import gzip
import json
import lzma
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb
from ua_parser import Domain
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver  # the Rust engine; the import fails where it is missing

from shared.conditions import OSES
from shared.country import UNKNOWN, country_of
from shared.device import Agent, ClientHints, classify

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT.parent / "shared" / "data"
DATABASE = ROOT / "shared" / "data" / "dbip-country-2026-06.mmdb.xz"
LOST_OS = "other"
"""What labels outside our vocabulary (Windows Phone, KaiOS, HarmonyOS) are to us."""

Row = dict[str, Any]


class Measure(NamedTuple):
    name: str
    floor: float
    target: float
    value: float
    less_is_better: bool = False

    @property
    def verdict(self) -> str:
        sign = -1 if self.less_is_better else 1
        if sign * self.value >= sign * self.target:
            return "target reached"
        return "floor reached" if sign * self.value >= sign * self.floor else "MISSED"


class Labelled(NamedTuple):
    """Rows and what the classifier says of them."""

    rows: Sequence[Row]
    agents: Sequence[Agent]

    def where(self, holds: Callable[[Row, Agent], object]) -> "Labelled":
        kept = [(row, agent) for row, agent in zip(self.rows, self.agents, strict=True) if holds(row, agent)]
        return Labelled([row for row, _ in kept], [agent for _, agent in kept])

    def share(self, holds: Callable[[Row, Agent], object]) -> float:
        """Return the percentage of rows (by weight, where they have one) that `holds` is true of."""
        weights = [float(row.get("weight", 1)) for row in self.rows]
        held = [bool(holds(row, agent)) for row, agent in zip(self.rows, self.agents, strict=True)]
        return 100 * sum(w for w, yes in zip(weights, held, strict=True) if yes) / (sum(weights) or 1.0)


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0]) if arguments else DEFAULT_FOLDER
    if not (folder / "ua").is_dir() or not (folder / "geo").is_dir():
        print(f"no labelled data in {folder}: give the folder that holds ua/ and geo/", file=sys.stderr)
        return 2
    names = _name_resolver()
    measures = [*_device_measures(folder / "ua", names), *_country_measures(folder / "geo")]
    _print_table(measures)
    return 1 if any(measure.verdict == "MISSED" for measure in measures) else 0


def _name_resolver() -> Callable[[str], tuple[str, str]]:
    resolver = Resolver(load_lazy_builtins())

    def names(user_agent: str) -> tuple[str, str]:
        found = resolver(user_agent, Domain.OS | Domain.USER_AGENT)
        return (found.os.family if found.os else "", found.user_agent.family if found.user_agent else "")

    return names


def _read(folder: Path, name: str) -> list[Row]:
    packed = folder / f"{name}.jsonl.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / f"{name}.jsonl").read_bytes()
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _hints(row: Row) -> ClientHints:
    headers = {name.lower(): value for name, value in (row.get("headers") or {}).items()}
    return ClientHints(*(headers.get(f"sec-ch-ua-{name}", "") for name in ("mobile", "platform", "form-factors")))


def _right_device(row: Row, agent: Agent) -> bool:
    return bool(agent.device == row["device"])


def _right_os(row: Row, agent: Agent) -> bool:
    return agent.os == (row["os"] if row["os"] in OSES else LOST_OS)


def _device_measures(folder: Path, names: Callable[[str], tuple[str, str]]) -> Iterable[Measure]:
    def label(rows: list[Row], with_hints: bool = False) -> Labelled:
        none = ClientHints()
        return Labelled(rows, [classify(row["ua"], _hints(row) if with_hints else none, names) for row in rows])

    devices = label(_read(folder, "devices"))
    three = devices.where(lambda row, _: row["device"] != "other")
    traffic = label([row for row in _read(folder, "traffic") if not row.get("synthetic")])
    yield Measure("traffic: device", 99.95, 100, traffic.share(_right_device))
    yield Measure("traffic: tablets", 95, 100, _recall(traffic, "tablet"))
    yield Measure("devices: desktop, mobile, tablet", 93, 96.4, three.share(_right_device))
    yield Measure(
        "devices: the same, independent sources",
        91.4,
        97,
        three.where(lambda row, _: row["source"] != "matomo").share(_right_device),
    )
    yield Measure("devices: tablet recall", 85, 90, _recall(devices, "tablet"))
    yield Measure("devices: tablet precision", 80, 86, _precision(devices, "tablet"))
    yield Measure("devices: all four", 85, 93.7, devices.share(_right_device))
    yield Measure("devices: recall of other", 40, 60, _recall(devices, "other"))
    yield Measure("devices: modern", 95, 97, three.where(lambda row, _: row.get("modern")).share(_right_device))
    yield Measure("devices: in-app", 96.5, 97.3, three.where(lambda row, _: row.get("inapp")).share(_right_device))
    yield from _os_measures(traffic, devices)
    yield from _bot_measures(folder, label, traffic, devices)
    hinted = [row for row in _read(folder, "client_hints") if row.get("device")]
    without = label(hinted).share(_right_device)
    yield Measure("hints: device (floor: without hints)", without, without, label(hinted, True).share(_right_device))
    yield from _time_measures(folder, traffic.rows, names)


def _recall(labelled: Labelled, device: str) -> float:
    return labelled.where(lambda row, _: row["device"] == device).share(_right_device)


def _precision(labelled: Labelled, device: str) -> float:
    return labelled.where(lambda _, agent: agent.device == device).share(_right_device)


def _os_measures(traffic: Labelled, devices: Labelled) -> Iterable[Measure]:
    yield Measure("traffic: OS", 99.95, 99.99, traffic.where(lambda row, _: row.get("os")).share(_right_os))
    known = devices.where(lambda row, _: row.get("os") and row["device"] != "other")
    yield Measure("devices: OS", 97, 98, known.share(_right_os))


def _bot_measures(
    folder: Path, label: Callable[[list[Row]], Labelled], traffic: Labelled, devices: Labelled
) -> Iterable[Measure]:
    bots = label(_read(folder, "bots"))
    others = label(_read(folder, "humans_nodevice"))
    people = Labelled([*devices.rows, *others.rows], [*devices.agents, *others.agents])
    people = people.where(lambda row, _: row["bot"] is False)
    yield Measure("bots: recall", 86, 94, bots.share(lambda _, agent: agent.bot))
    yield Measure("bots: link previewers", 95, 97.5, bots.where(lambda row, _: row.get("preview")).share(_is_bot))
    yield Measure("bots: people taken for one", 0.7, 0.7, people.share(_is_bot), True)
    in_app = people.where(lambda row, _: row.get("inapp"))
    yield Measure("bots: people in apps taken for one", 0.15, 0.15, in_app.share(_is_bot), True)
    yield Measure("bots: traffic taken for one", 0.005, 0.005, traffic.share(_is_bot), True)


def _is_bot(_: Row, agent: Agent) -> bool:
    return agent.bot


def _microseconds(call: Callable[[], object], repeat: int = 5) -> float:
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter_ns()
        call()
        best = min(best, time.perf_counter_ns() - start)
    return best / 1000


def _time_measures(folder: Path, traffic: Sequence[Row], names: Callable[[str], tuple[str, str]]) -> Iterable[Measure]:
    none = ClientHints()
    times = [_microseconds(lambda ua=row["ua"]: classify(ua, none, names)) for row in traffic]  # type: ignore[misc]
    yield Measure("time: classify, median of traffic, us", 50, 15, statistics.median(times), True)
    hostile = [(row["ua"] or " ") for row in _read(folder, "hostile")]
    long = [(ua * (8192 // len(ua) + 1))[:8192] for ua in hostile]
    worst = max(_microseconds(lambda ua=ua: classify(ua, none, names)) for ua in hostile + long)  # type: ignore[misc]
    yield Measure("time: classify, worst of 8 kB hostile, us", 5000, 1000, worst, True)


def _country_measures(folder: Path) -> Iterable[Measure]:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "country.mmdb"
        path.write_bytes(lzma.decompress(DATABASE.read_bytes()))
        with maxminddb.open_database(str(path), maxminddb.MODE_MMAP_EXT) as reader:
            yield from _country_measures_of(folder, reader)


def _country_measures_of(folder: Path, reader: maxminddb.Reader) -> Iterable[Measure]:
    rows = _read(folder, "country_eval")
    right = sum(country_of(row["ip"], reader.get) == row["country"] for row in rows)
    yield Measure("country: addresses", 100, 100, 100 * right / len(rows))
    special = _read(folder, "special_addresses")
    right = sum(_special_is_right(row, reader) for row in special)
    yield Measure(f"country: special addresses of {len(special)}", len(special), len(special), right)
    addresses = [row["ip"] for row in rows]
    total = _microseconds(lambda: [country_of(address, reader.get) for address in addresses], repeat=20)
    yield Measure("time: country, mean, us", 5, 2, total / len(addresses), True)


def _special_is_right(row: Row, reader: maxminddb.Reader) -> bool:
    country, expected = country_of(row["ip"], reader.get), row["expect"]
    if expected in (None, "invalid"):
        return country == UNKNOWN
    if expected == "any-or-null":
        return True
    if expected in ("same-as", "same-as-or-null"):
        other = country_of(row["same_as"], reader.get)
        return country == other or (expected == "same-as-or-null" and country == UNKNOWN)
    return bool(country == expected or country in expected)


def _print_table(measures: Sequence[Measure]) -> None:
    print(f"| {'measure':<42} | {'floor':>7} | {'target':>7} | {'measured':>8} | verdict")
    print(f"| {'-' * 42} | {'-' * 7} | {'-' * 7} | {'-' * 8} | {'-' * 14}")
    for m in measures:
        print(f"| {m.name:<42} | {m.floor:>7.6g} | {m.target:>7.6g} | {m.value:>8.2f} | {m.verdict}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

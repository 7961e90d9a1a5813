"""Control tells countries by the same file as edges, also after a newer one was put in its place."""

from pathlib import Path

from control.insight.classifier import Classifier
from control.settings import ControlSettings
from tests.deploy.test_geo import packaged


def test_a_replaced_database_is_opened_again_and_only_then() -> None:
    versions, opened = ["1", "1", "2"], []

    def open_lookup() -> object:
        opened.append(len(opened))
        return lambda _address: ("US", "DE")[len(opened) - 1]

    classifier = Classifier(open_lookup, lambda: lambda _agent: ("", ""), lambda: versions.pop(0))  # type: ignore[arg-type, return-value]

    assert [classifier.visitor_of("8.8.8.8", {}).country for _ in range(3)] == ["US", "US", "DE"]
    assert len(opened) == 2


def test_a_file_that_was_put_in_place_is_used_without_a_restart(tmp_path: Path) -> None:
    classifier = Classifier.from_settings(ControlSettings(data_dir=tmp_path))
    assert classifier.visitor_of("8.8.8.8", {}).country == "US"
    first = classifier._opened

    (tmp_path / "geo").mkdir()
    (tmp_path / "geo" / "country.mmdb").write_bytes(packaged())

    assert classifier.visitor_of("8.8.8.8", {}).country == "US"
    assert classifier._opened is not first

"""An import says what it did in lines to read."""

from typing import Any

from deploy.changes import lines_of


def result(*changes: dict[str, Any], planned: bool = True, **counts: int) -> dict[str, Any]:
    return {"planned": planned, "created": 0, "updated": 0, "unchanged": 0, "changes": list(changes), **counts}


def test_a_plan_shows_what_would_be_created_and_how_fields_would_change() -> None:
    created = {"kind": "partner", "action": "create", "key": "nora", "fields": []}
    field = {"field": "name", "before": "Old", "after": "Größe"}
    changed = {"kind": "offer", "action": "update", "key": "saas", "fields": [field]}

    assert list(lines_of(result(created, changed, created=1, updated=1, unchanged=8))) == [
        "+ partner nora",
        "~ offer saas",
        '    name: "Old" -> "Größe"',
        "Would be: 1 created, 1 changed, 8 as they were.",
    ]


def test_an_import_that_found_everything_as_it_was_is_one_line() -> None:
    assert list(lines_of(result(planned=False, unchanged=3))) == ["0 created, 0 changed, 3 as they were."]


def test_changes_that_are_not_listed_are_counted() -> None:
    change = {"kind": "link", "action": "create", "key": "abc", "fields": []}

    assert "... and 4999 more" in list(lines_of(result(change, created=5000)))

"""Two controls over one PostgreSQL: whoever takes an edit, there is one order of all of them, and one outcome."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.business import Business
from tests.clicking import destination
from tests.installation import wait_until

EDITS = 15


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Business]:
    """Two controls, two edges."""
    business = Business(tmp_path_factory.mktemp("business"))
    try:
        yield business.start()
    finally:
        business.close()


def test_edits_through_both_at_once_are_one_sequence_that_every_edge_follows(here: Business) -> None:
    def edit(control: int, number: int) -> tuple[int, int, int]:
        link = {"enabled": True, "fallback_url": destination("saas", number), "rules": []}
        saved = here.api("PUT", f"/offers/{here.offers['saas']}/smart-link?wait=0", link, control)
        return int(saved["sequence"]), int(saved["revision"]), number

    def edit_all(control: int) -> list[tuple[int, int, int]]:
        return [edit(control, 1 + 2 * turn + control) for turn in range(EDITS)]

    with ThreadPoolExecutor(2) as both:
        saved = sorted(edit for edits in both.map(edit_all, (0, 1)) for edit in edits)

    sequences, revisions, numbers = zip(*saved, strict=True)
    assert len(set(sequences)) == 2 * EDITS
    assert list(revisions) == list(range(revisions[0], revisions[0] + 2 * EDITS)), "one order, and no edit is lost"
    assert {number % 2 for number in numbers[: EDITS + 1]} == {0, 1}
    here.numbers["saas"] = numbers[-1]
    wait_until(here.serve_newest, here.output)
    seen = [here.api("GET", f"/offers/{here.offers['saas']}/smart-link", control=control) for control in (0, 1)]
    assert seen[0] == seen[1]
    assert seen[0]["revision"] == revisions[-1]
    published = here.postgres.query("SELECT sequence FROM publishing_transactions ORDER BY sequence")
    assert [row[0] for row in published] == list(range(published[-1][0] + 1)), "no number is taken twice or left out"


def test_of_two_edits_of_the_same_revision_one_is_refused(here: Business) -> None:
    path = f"/offers/{here.offers['saas']}/smart-link"
    revision = here.api("GET", path)["revision"]

    def edit(control: int) -> int:
        link = {"enabled": True, "fallback_url": destination("saas", 1 + control), "rules": []}
        try:
            here.api("PUT", path, link, control, {"If-Match": f'"{revision}"'})
        except RuntimeError as refused:
            return int(str(refused).split()[2])
        return 200

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(edit, (0, 1))) == [200, 412]
    assert here.api("GET", path)["revision"] == revision + 1

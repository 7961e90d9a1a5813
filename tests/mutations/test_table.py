"""The table of mutations fits the tree: every text is there once, every test exists, no invariant is left out."""

from pathlib import Path

import pytest

from tests.mutations.table import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.invariant} {mutation.name}")
def test_a_mutation_can_be_applied(mutation: Mutation) -> None:
    file, _, *names = mutation.test.replace("::", ":/:", 1).partition(":/:")
    test = names[0].split("::")[-1]

    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    assert f"def {test}(" in (ROOT / file).read_text()


def test_every_invariant_of_the_edge_is_broken_at_least_once() -> None:
    assert {mutation.invariant for mutation in MUTATIONS} >= {f"I{n}" for n in range(1, 14)}

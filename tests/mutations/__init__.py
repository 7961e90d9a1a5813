"""Do the invariants' tests test anything? `python -m tests.mutations` breaks each on purpose and wants a red test."""

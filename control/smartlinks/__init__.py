"""Smart links: an offer's ordered rules, kept as immutable numbered revisions."""

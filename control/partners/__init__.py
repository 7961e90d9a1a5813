"""Partners: who sends traffic."""

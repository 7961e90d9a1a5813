"""What would happen, what happened, and why: the edges' own code, asked by people."""

"""Every change, with who made it and what it replaced."""

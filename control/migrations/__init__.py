"""Schema versions of both databases, applied at start; two controls may start at once.

`python -m control.migrations add config WORDS` (or `clicks`) writes the next revision from the models.
"""

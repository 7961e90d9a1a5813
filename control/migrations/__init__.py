"""Schema versions of both databases, applied at start; two controls may start at once.

`python -m control.migrations regenerate` writes the initial revisions anew from the models, until the first release.
"""

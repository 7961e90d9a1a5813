"""The admin UI: server-rendered pages over the same services as the API, with small ES modules and no build step.

A page reads: guard (who is looking) -> services -> render (template, security headers). Modules in `static/` add what a
form cannot do: dragging, live checks, the docked test.
"""

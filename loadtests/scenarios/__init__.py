"""The load that `locustfile.py` puts on an installation: who clicks what, and what must come back.

    options       what may be said on the command line
    preparation   the offers and links that are clicked, made through the API
    people        visitors, and the destination each of them must be sent to
    clicks edits  the users of Locust: those who click, and those who edit meanwhile
    limits        what the figures must be for exit code 0
    stairs        how many users the ramp wants at a time

`people`, `limits` and `stairs` know nothing of Locust, which patches the whole process when it is imported.
"""

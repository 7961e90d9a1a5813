"""Running Turnout: the command line, everything on one machine, backups.

`up` and `test` (shell) find a Python and run `install.py`; then `cli.py` takes over. `turnout up` starts the servers of
`embedded_redis.py`, control and edge as `children.py`; `demo.py` adds the example that the README clicks.
"""

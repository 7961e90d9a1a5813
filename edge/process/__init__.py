"""The life of an edge's processes: one supervisor, its workers, its admin port.

supervisor.py   the parent: keeps its crew (crew.py), stops everything in order; signals.py and logs.py beside it
watch.py        when a worker is started, killed and given up; heartbeat.py, what a worker says four times a second
admin.py        the admin port's server; ops.py, what it says; metrics.py, every number
server.py       uvicorn, as one worker runs it; load.py, how busy that is
listen.py       the sockets; whereabouts.py, where others reach this edge
"""

"""Runs the state machine of `edge.rules` against Redis and the disk.

subscription.py the rules of one worker, live: what the click path waits for on a miss, for at most 200 ms
listening.py    the pub/sub connection, a doorbell; errands.py carries questions to Redis and replies back
rules_redis.py  the rules Redis as a worker asks it, by the atomic reads of scripts.py; budget.py shields it
keeping.py      the hot set on disk: snapshot.py is the file, withdrawals.py what must not come back from it
leases.py       says what the worker serves, and how busy it is
"""

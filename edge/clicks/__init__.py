"""From a key to a Location and an event, in memory alone:

click.py        key to response, for both roads: one screen to read first
visitors.py     address and headers -> who clicks, by geo.py and agents.py; recent.py remembers what was worked out
plan.py         an entry made ready: choices and what of an event never changes; query.py, what a query adds
click_id.py     one id per click, unique everywhere, without asking anyone
duplicates.py   is this a repetition?
turn.py         all between two polls of the sockets: requests together, one write to the spool, then the responses
counters.py     what is counted; waits.py, how long clicks waited
"""

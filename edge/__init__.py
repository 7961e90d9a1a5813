"""The data plane: redirect servers that answer every click from memory. A click's way, one file per word:

bytes -> head -> key -> link -> visitor -> choice -> Location -> event -> response

protocol.py     bytes: the fast road, uvicorn's `http` class, for heads that known_heads.py remembers
conversation.py a connection with its deadlines, for all other heads; reader.py reads them
pages.py        the plain road: the Starlette app, for whatever asks for no link
head.py         what both roads hand on of a request, and when it is refused
click.py        key to response, for both roads: one screen to read first
cache.py        key -> entry, in memory; links.py says what is asked of it, sync.py keeps it true
visitors.py     address and headers -> who clicks
plan.py         an entry made ready: choices and what of an event never changes; query.py, what a query adds
click_id.py     one id per click, unique everywhere, without asking anyone
turn.py         all clicks between two polls of the sockets: one write to the spool, then their responses
spool.py        events on this machine's disk; shipper.py sends them on
responses.py    every answer there is, and its bytes
"""

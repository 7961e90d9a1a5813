"""Requests in, answers out. Three ways to read a request, each for what the one before does not know:

protocol.py     the fast road, uvicorn's `http` class: heads that known_heads.py remembers by their bytes
conversation.py a connection with its deadlines (sweep.py), for all other heads; reader.py reads them field by field
pages.py        the plain road: the Starlette app, for whatever asks for no link
head.py         what the roads hand on of a request, and when it is refused
responses.py    every answer there is, and its bytes
"""

"""The data plane: redirect servers that answer every click from memory. A click's way, one word per step:

bytes -> head -> key -> link -> visitor -> choice -> Location -> event -> response

http/       bytes to heads, and responses to bytes: the fast road, and the Starlette app for what is no click
clicks/     key to Location and event, for both roads: begin with clicks/click.py
rules/      what is served and why it may be: the caches and the state machine that keeps them true; pure
feed/       rules from Redis and the disk, acknowledgements back
spool/      events on this machine's disk until SQL has them
process/    supervisor, workers, admin port
app.py      the composition root: what workers share, and one worker; settings.py, what it is told
"""

"""What a worker believes of the published rules, and why. Pure: no socket, no clock; replies come in, effects go out.

sync.py         the state machine: announcements, the log, and the head, none of which is trusted alone
standing.py     where Redis stands towards what was heard; catchup.py, the pages of the log on their way to its head
judgement.py    whether something read may be used; floors.py, below which version nothing is
published.py    values decoded, or refused with a reason that nacks.py keeps; replies.py, what Redis answered
intake.py       values as they come in; update.py swaps them in at once; revalidation.py, what must be read again
holdings.py     what is served: cache.py holds links with their tables; misses.py, one fetch in flight per key
links.py        what the click path asks of all this; effects.py, what all this asks of its runner
"""

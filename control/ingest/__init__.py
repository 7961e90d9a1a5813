"""The ingester: a process of its own that brings clicks from the stream into SQL, each of them once.

consumer   entries of the clicks stream, its own pending first; ack, publish `done`, trim
batches    entry -> batch: whose, which number, which lines
decoding   line -> click
ledger     (boot, number) seen? done up to where?
dictionary texts and cells -> numbers
rollups    clicks -> measures by cell and quarter hour
recording  the one transaction of all these
closing    whole local days out of quarters; columns  the clicks of a day, column by column; retention forgets
"""

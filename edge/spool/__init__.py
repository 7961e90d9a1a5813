"""Clicks on this machine's disk until SQL has them, and their way there.

spool.py        what a worker writes: the lines of one turn as one frame
frames.py       how a segment looks on disk; folder.py, the folder of one boot with its lock
backlog.py      which batches SQL does not have yet
orphans.py      spools that dead processes left behind, adopted
shipper.py      batches to the clicks Redis, once, in order, freed when SQL has them
"""

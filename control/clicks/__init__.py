"""Clicks as SQL has them: raw rows, rollups, and the account of every edge's counts.

shapes -> models            what is kept, and of which dimensions rollups are made
store  -> service -> api    one click and its decision; produced = recorded + in flight + dropped
store  -> listing           the single clicks that a question counts, newest first; shown  how the API gives them
"""

"""How an edit goes live, and never comes back.

edit -> compile -> outbox (SQL, the edit's own transaction) -> publisher -> Redis -> edges -> acks

SQL is the truth and Redis carries it: `journal` reads the outbox, `standing` says how Redis relates to it, `carrier`
writes Redis by the scripts in `scripts`, `rebuild` starts Redis over when it or SQL went back.
"""

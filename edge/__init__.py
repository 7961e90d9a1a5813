"""The data plane: answers clicks, and needs nothing behind it to do so.

A click reads these files in order: protocol -> click -> visitors -> responses, and leaves by spool -> shipper.
A rule arrives by subscription -> sync -> cache. A process is made by __main__ -> supervisor -> crew -> app.
"""

"""Postbacks: how a shop reports a sale, and the log of everything that was tried.

reading -> what a request says, wherever it says it (query, form or JSON)
checks  -> a report, or every fault of it (pure)
guard      the offer's secret
service    all of these -> conversions.service.keep -> log
models -> store -> api
"""

"""How traffic splits: clicks over time and in total, by any key, with any filters.

question   what is asked, checked: range, interval, time zone, key, filters
periods    a range in a time zone -> buckets, and the local days in them
cover      which of these days are closed (read whole), which are read by quarters
rollups    sums from rollups
raw        the same from clicks, where no shape of rollups has the dimensions; columns  counts whole days of them
split      sums by group, over the whole range and by bucket
answer     these -> totals, groups, series; labels  what keys are called
export     the same, streamed as CSV or JSON lines
fallback   what falls through to the fallback, ready to become rules
"""

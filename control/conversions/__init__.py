"""Conversions: sales and leads that postbacks report, and whom each of them credits.

money       amounts as they are stored: whole ten-thousandths
report      what is reported, and what repeats it (pure)
refunds     what is reported to be taken back -> its sale, whose facts it has
attribution coupon and click -> verdict: who is credited, by what, and who else was named (pure)
clicks      what a conversion keeps of its click
crediting   rows -> what names partners -> verdict; shown says it in words
models -> store -> service -> api
sums        counts and revenue by the keys of clicks, for analytics
settling    what comes later: clicks still on their way, partners and codes created since, prefetches that were people
"""

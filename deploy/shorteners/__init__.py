"""Links of other shorteners: `turnout import --from shlink FILE`.

reading     a file -> entries, as the other shortener's API gives them
shlink kutt an entry -> a short URL, or why it cannot be one here
shorturl    what a short URL is, whoever made it; what of it stays behind
document    short URLs -> a document of Turnout's own, as `turnout import` takes it
moving      the plan and the import, through the API, fault by fault back to the entry it is about
"""

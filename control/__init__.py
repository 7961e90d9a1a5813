"""The control plane: edits are validated, stored as revisions, compiled and published to the edges.

An edit reads these folders in order: access -> offers, smartlinks, links, domains -> audit -> publishing -> Redis.
"""

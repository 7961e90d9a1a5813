"""What the edge and the control plane must agree on: pure functions and values, no I/O, no clock.

A click reads these files in order: key -> table -> visitor -> decision -> destination -> events.
An edit reads them in order: rules -> conditions -> reachability -> table -> wire.
"""

"""Canaries: a revision of a smart link on a share of the workers first, taken back by itself when it does harm.

begin (a save that asks for a share): drawing -> beginning -> published, in the transaction of the save
look: figures, verdict -> watch, once a second, in one control at a time
end: promote, withdraw (service), or a save for everyone (beginning)

drawing     which workers serve it: a salt whose share of those that live is nearest to the one asked for (pure)
beginning   a canary begins, or ends because something else was saved
published   what the edges are to have of an offer: its table, or both of a canary
store       queries
figures     what became of clicks on either side
verdict     whether it must be taken back, and why (pure)
watch       looks, and takes it back by a publish
service     how it goes; to everyone; back
"""

"""The auditor asks every worker of every edge, as a visitor would, and alarms when one serves what SQL does not say.

auditor     who asks what, when: what was just edited, what was wrong, and all else in turn, at a gentle pace
truth       what SQL says of a slug: the nouns compiled as they are published, and the newest publishes of its keys
witnesses   the visitors as whom it asks, one for each destination they can tell apart
asking      HTTP: HEAD, which never counts as a click, over one standing connection to each worker
judgement   whether an answer is what SQL says, and if not in what it differs (pure)
doubts      what stays wrong for longer than an edit may travel is a difference (pure)
findings    differences and edges out of reach, in SQL: one control audits, all of them show what it found
"""

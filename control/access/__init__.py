"""Who may do what: API keys, people and their sessions, roles, and the guard in front of every call."""

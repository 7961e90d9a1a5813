"""The one way in which a command gives up."""


class Refusal(Exception):
    """Why a command cannot go on: one sentence for the person at the terminal, saying what to do about it."""

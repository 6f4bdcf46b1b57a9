"""The errors that a user can cause; each message is one clear (Swedish) sentence: what, where and what to do."""


class ResultattavlaError(Exception):
    """Base of every error whose message is meant for the person who runs the pipeline (exit code 1)."""


class RejectedFileError(ResultattavlaError):
    """A delivered file that is rejected whole; the message is the cause as the ledger shows it."""

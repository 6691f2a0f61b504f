"""The one exception whose message is written for the user."""


class UserError(ValueError):
    """Something the user can mend; shown as its one sentence, without a traceback, and exit code 1."""

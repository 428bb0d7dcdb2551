"""The error of a wrong call.

UsageError
    arguments that cannot be used, or that do not fit what is there; its text is one line, and the exit status is 2
"""

from __future__ import annotations


class UsageError(Exception):
    """A wrong call: `what is wrong; the mend`, shown behind the name of the command."""

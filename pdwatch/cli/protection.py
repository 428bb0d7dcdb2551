"""TLS and basic auth of the HTTP side, as the configuration asks for them."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from starlette.middleware import Middleware

from pdwatch.cli.errors import UsageError
from pdwatch.config.model import Web
from pdwatch.export.guard import protection
from pdwatch.export.websection import WebConfigError


def protect(web: Web, tell: Callable[[str], None]) -> tuple[tuple[Middleware, ...], ssl.SSLContext | None]:
    """Return the middleware and the TLS context of the HTTP side; none of either without a file.

    *tell* gets lines for people. Raises `UsageError`.
    """
    try:
        return protection(web.config_file, tell)
    except WebConfigError as error:
        raise UsageError(str(error)) from error

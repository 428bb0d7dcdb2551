"""Roles with the means to size them, from what was measured of a service."""

from __future__ import annotations



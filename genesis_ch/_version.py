"""The version, once; pyproject.toml holds the same (tests/test_package.py compares)."""

from __future__ import annotations

__version__ = "0.1.0"

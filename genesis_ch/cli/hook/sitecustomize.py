"""Loaded by every Python that `genesis-ch exec` starts, before the program itself.

It answers the import of `genesis.utils.clickhouse_logger` with the one of genesis_ch, which is
imported only then, and afterwards runs the sitecustomize that this one stands in front of.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

ALIAS = "genesis.utils.clickhouse_logger"


class _Loader:
    """Hands out the module that genesis_ch.alias() has put in place."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to execute."""


class _Finder:
    """Answers for one module name and for no other."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != ALIAS:
            return None
        try:
            import genesis_ch
        except ImportError as error:
            print(
                f"genesis-ch exec: {sys.executable} cannot import genesis_ch ({error}), so "
                "Genesis keeps its own logger; install genesis_ch for that Python",
                file=sys.stderr,
            )
            return None
        return ModuleSpec(name, _Loader(genesis_ch.alias()))  # type: ignore[arg-type]


def _run_next_sitecustomize() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [part for part in sys.path if os.path.abspath(part) != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is None or spec.loader is None:
        return
    module = ModuleType("sitecustomize")
    module.__spec__, module.__file__, module.__loader__ = spec, spec.origin, spec.loader
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


sys.meta_path.insert(0, _Finder)
_run_next_sitecustomize()

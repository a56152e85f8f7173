"""Makes `from genesis.utils.clickhouse_logger import ch_logger` give ours, in an unmodified Genesis checkout."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

GENESIS_MODULE = "genesis.utils.clickhouse_logger"


class _Finder:
    """Answers the import of one name with one module, which its package then gets as an attribute like any other."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == self.module.__name__ else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to execute."""


def alias(name: str = GENESIS_MODULE) -> ModuleType:
    """Puts a module that holds ch_logger and ClickHouseLogger in the place of the one of this name, and returns it.

    Call it before the first import of that name. Imports nothing of Genesis. Where no Genesis is installed,
    `from genesis.utils.clickhouse_logger import ch_logger` works all the same.
    """
    from .logger import ClickHouseLogger, ch_logger

    for finder in sys.meta_path:
        if isinstance(finder, _Finder) and finder.module.__name__ == name:
            return finder.module
    module = ModuleType(name, "genesis_ch in the place of Genesis's own logger.")
    names = {"ch_logger": ch_logger, "ClickHouseLogger": ClickHouseLogger, "__all__": ["ClickHouseLogger", "ch_logger"]}
    module.__dict__.update(names)
    parent, _, attribute = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], attribute, module)
        sys.modules[name] = module
    elif importlib.util.find_spec(name.partition(".")[0]) is None:
        sys.modules[name] = module
    sys.meta_path.insert(0, _Finder(module))
    return module

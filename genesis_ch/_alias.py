"""Makes `from genesis.utils.clickhouse_logger import ch_logger` give ours, in an unmodified Genesis checkout."""

from __future__ import annotations

import sys
from types import ModuleType

GENESIS_MODULE = "genesis.utils.clickhouse_logger"


def alias(name: str = GENESIS_MODULE) -> ModuleType:
    """Puts a module of this name into sys.modules that holds ch_logger and ClickHouseLogger, and returns it.

    Call it before the first import of that name. A genesis.utils that is already imported gets it as an attribute. Where no Genesis is
    installed, `from genesis.utils.clickhouse_logger import ch_logger` works all the same.
    """
    from .logger import ClickHouseLogger, ch_logger

    module = ModuleType(name, "genesis_ch in the place of Genesis's own logger.")
    module.__dict__.update(ch_logger=ch_logger, ClickHouseLogger=ClickHouseLogger, __all__=["ClickHouseLogger", "ch_logger"])
    earlier = sys.modules.get(name)
    if earlier is not None and getattr(earlier, "ch_logger", None) is ch_logger:
        return earlier
    sys.modules[name] = module
    parent, _, attribute = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], attribute, module)
    return module

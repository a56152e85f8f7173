"""`python -m genesis_ch.cli` is `genesis-ch`."""

from genesis_ch.cli import main

main()

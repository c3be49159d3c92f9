"""``python -m scanner`` is ``midas``."""

from scanner.cli import main

main()

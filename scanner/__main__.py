"""The program ``midas``, also ``python -m scanner``: sets the process up, then loads the command line."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line to the end of the process."""
    # What is loaded and what a command makes is kept until its end: walking it again and again while it grows frees
    # nothing. Loading alone makes enough for dozens of walks, so this comes first.
    gc.set_threshold(100_000, 50, 100)
    from scanner.cli import main as run

    try:
        run()
    finally:
        # The interpreter's own end would walk all of it once more.
        gc.freeze()


if __name__ == "__main__":
    main()

"""``python -m fsq`` is the command ``fsq``."""

from fsq.cli import main

if __name__ == "__main__":
    main()

"""`python -m augfpn.cli`, as torchrun starts it."""

import sys

from augfpn.cli.program import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m lawful.cli`."""

import sys

from lawful.cli import main

sys.exit(main())

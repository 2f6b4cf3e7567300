"""Write the schemas anew: `python -m lawful.schemas`."""

from lawful.schemas import NAMES, path
from lawful.schemas.made import made

for name in NAMES:
    path(name).write_text(made(name), encoding="utf-8")

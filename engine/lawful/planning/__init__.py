"""From an account and a goal to a plan: a search over the changes that `check` allows.

`check` imports most of this for a denial. Its values are structs of msgspec, which are made in no time: a dataclass
takes half a millisecond to be made, and there are twenty.
"""

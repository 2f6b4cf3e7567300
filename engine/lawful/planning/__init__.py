"""From an account and a goal to a plan: a search over the changes that `check` allows."""

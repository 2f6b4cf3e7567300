"""What judges a rule: the reference, which is the meaning, and the engines held to it."""

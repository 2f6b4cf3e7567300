"""Questions about a policy as a whole: proofs, and counterexamples that `check` confirms. Z3 stays in here."""

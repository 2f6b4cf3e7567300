"""The edges of a policy's rules, as accounts for its owner to confirm; what is confirmed becomes cases."""

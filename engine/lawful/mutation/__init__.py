"""Do the cases of a policy notice when its rules change? One change at a time, and the request that would show it."""

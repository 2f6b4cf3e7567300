"""How hard Hypothesis looks: `ci`, the default, finds the same every time; `soak` looks further, elsewhere at every run.

`HYPOTHESIS_PROFILE=soak python -m pytest tests/test_parity.py`
"""

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile("ci", derandomize=True, deadline=None, database=None, suppress_health_check=_SLOW)
settings.register_profile("soak", max_examples=2_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

"""Is a proposed change of an account lawful, and why?

>>> import lawful
>>> policy = lawful.load("wechat")
>>> decision = policy.check(
...     account={"type": "subscription", "subject": "enterprise", "certified_until": "2025-01-31"},
...     change={"set": {"type": "service"}},
...     history=[],
...     at="2025-03-01",
... )
>>> decision.verdict, decision.reasons[0].rule
('deny', 'lifecycle.type.upgrade')
"""

from lawful.decision import Decision, Possibilities
from lawful.diagnostics import Diagnostic, EngineDisagreement, LawfulError, PolicyError, RequestError
from lawful.loading import load, loads
from lawful.policy import Policy
from lawful.request import Request
from lawful.version import __version__

__all__ = [
    "Decision",
    "Diagnostic",
    "EngineDisagreement",
    "LawfulError",
    "Policy",
    "PolicyError",
    "Possibilities",
    "Request",
    "RequestError",
    "__version__",
    "load",
    "loads",
]

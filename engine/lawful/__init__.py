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

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lawful.version import __version__

if TYPE_CHECKING:
    from lawful.checker import Checker
    from lawful.decision import Decision, Ruling
    from lawful.diagnostics import Diagnostic, EngineDisagreement, LawfulError, PolicyError, RequestError
    from lawful.loading import load, loads
    from lawful.policy import Policy
    from lawful.possibility import Possibilities
    from lawful.question import Question
    from lawful.request import Request
    from lawful.watching import Watched, watch

__all__ = [
    "Checker",
    "Decision",
    "Diagnostic",
    "EngineDisagreement",
    "LawfulError",
    "Policy",
    "PolicyError",
    "Possibilities",
    "Question",
    "Request",
    "RequestError",
    "Ruling",
    "Watched",
    "__version__",
    "load",
    "loads",
    "watch",
]

_HOMES = {
    "Checker": "checker",
    "Decision": "decision",
    "Diagnostic": "diagnostics",
    "EngineDisagreement": "diagnostics",
    "LawfulError": "diagnostics",
    "Policy": "policy",
    "PolicyError": "diagnostics",
    "Possibilities": "possibility",
    "Question": "question",
    "Request": "request",
    "RequestError": "diagnostics",
    "Ruling": "decision",
    "Watched": "watching",
    "load": "loading",
    "loads": "loading",
    "watch": "watching",
}


if not TYPE_CHECKING:  # to a type checker the names above are imported, and there are no others

    def __getattr__(name: str) -> Any:
        """A public name, imported when it is first used: a message about wrong usage needs no engine."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"lawful.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return __all__

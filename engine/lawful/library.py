"""Where the shipped policies are."""

from __future__ import annotations

from pathlib import Path


def policy_root() -> Path:
    """The folder of the shipped packs: inside the package when installed, the checkout's `policies/` otherwise."""
    package = Path(__file__).resolve().parent
    installed = package / "policies"
    return installed if installed.is_dir() else package.parents[1] / "policies"


def shipped_names() -> list[str]:
    """The names of the shipped policies."""
    root = policy_root()
    if not root.is_dir():
        return []
    return sorted(each.name for each in root.iterdir() if (each / "policy.yaml").is_file())


def shipped(name: str) -> Path | None:
    """The folder of a shipped policy; None where none is called so."""
    return policy_root() / name if name in shipped_names() else None

"""A SQLAlchemy session that writes no change of an account which the policy does not allow, and records those it does.

The hook sees what goes through the unit of work. Bulk statements (`update(Account)…`) pass it by.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ForeignKey, event, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import lawful

policy = lawful.load("wechat")  # once: it is immutable, and threads may share it
FACTS = ("type", "subject", "certified_until", "last_active")


class Base(DeclarativeBase):
    pass


class Account(Base):
    """An account, as the policy knows it.

    `active_history`: a value that is replaced is loaded first, so that the state before is always there to be judged.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(active_history=True)
    subject: Mapped[str] = mapped_column(active_history=True)
    certified_until: Mapped[date | None] = mapped_column(active_history=True)
    last_active: Mapped[date | None] = mapped_column(active_history=True)
    events: Mapped[list["Happened"]] = relationship()


class Happened(Base):
    """What happened to an account, so that limits can count it; `at` is in UTC.

    What a flush changes is recorded by itself. What is done otherwise is not seen here: add its `decision.events`.
    """

    __tablename__ = "happened"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    event: Mapped[str]
    at: Mapped[datetime]


class Unlawful(Exception):
    """The policy does not allow a change. Nothing of the flush was written; `decision` has the reasons."""

    def __init__(self, decision: lawful.Decision) -> None:
        self.decision = decision
        refused = [each for each in decision.reasons if each.severity == "error" and not each.standing]
        super().__init__("\n".join(f"{each.rule}: {each.explanation.best('en')}" for each in refused))


@event.listens_for(Session, "before_flush")
def write_what_is_lawful(session: Session, context: object, instances: object) -> None:
    for each in (*session.new, *session.dirty):
        if isinstance(each, Account) and (request := asked(each)) is not None:
            decision = policy.check(request)  # `policy.allows(request)`, where a plain yes or no is enough
            if not decision.allowed:
                raise Unlawful(decision)
            each.events += [Happened(event=name, at=datetime.now(UTC)) for name in decision.events]


def asked(account: Account) -> dict[str, Any] | None:
    """What the flush would do to the account, as a request; None where that is nothing to the policy."""
    state = inspect(account)
    if not state.persistent:
        return {"account": {name: getattr(account, name) for name in FACTS}, "change": {"register": {}}}
    moved = {name: state.attrs[name].history for name in FACTS}
    wanted = {name: next(iter(each.added), None) for name, each in moved.items() if each.has_changes()}
    if not wanted:
        return None
    before = {name: next(iter(each.deleted or each.unchanged), None) for name, each in moved.items()}
    happened = [each for each in account.events if inspect(each).persistent]  # not what this flush is about to add
    history = [{"event": each.event, "at": each.at.replace(tzinfo=UTC)} for each in happened]
    return {"account": before, "change": {"set": wanted}, "history": history}

"""The examples do what they say: a real server is asked over HTTP, real models are saved in SQLite."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import django
import pytest
import sqlalchemy
import uvicorn
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.forms import modelform_factory
from django.utils import translation
from sqlalchemy.orm import Session

import fastapi_dependency
import lawful
import sqlalchemy_hook

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TODAY = datetime.now(UTC).date()
NEXT_YEAR, LAST_YEAR = TODAY + timedelta(days=300), TODAY - timedelta(days=300)

settings.configure(
    INSTALLED_APPS=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    LANGUAGE_CODE="en",
)
django.setup()

import django_model  # noqa: E402 - a model cannot be made before Django is set up


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_linked_from_the_documents(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100
    assert f"(../examples/{path.name})" in (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------------------- FastAPI


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of the service, which listens on a free port of this machine."""
    config = uvicorn.Config(fastapi_dependency.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def post(service: str, account: str, change: object) -> tuple[int, Any]:
    """The status and the body that the service answers with."""
    request = urllib.request.Request(
        f"{service}/accounts/{account}/changes",
        data=json.dumps(change).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["detail"]


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The accounts of the service, as they were at its start."""
    accounts = {
        "certified": {"type": "subscription", "subject": "media", "certified_until": "2099-12-31", "features": []},
        "lapsed": {"type": "subscription", "subject": "media", "certified_until": "2020-12-31", "features": []},
        "service": {"type": "service", "subject": "media", "certified_until": "2099-12-31", "features": []},
        "unknown": {"subject": "media", "features": []},
    }
    monkeypatch.setattr(fastapi_dependency, "ACCOUNTS", accounts)
    monkeypatch.setattr(fastapi_dependency, "HISTORY", {name: [] for name in accounts})
    return accounts


def test_the_service_makes_a_change_that_is_allowed(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    status, answer = post(service, "certified", {"set": {"type": "service"}})
    assert (status, answer["account"]["type"], answer["still_to_do"]) == (200, "service", [])
    assert accounts["certified"]["type"] == "service"


def test_the_service_refuses_with_the_reasons(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    status, refused = post(service, "lapsed", {"set": {"type": "service"}})
    assert (status, [each["rule"] for each in refused]) == (403, ["lifecycle.type.upgrade"])
    assert refused[0]["because"].startswith("a subscription account may be upgraded to a service account once")
    assert accounts["lapsed"]["type"] == "subscription"


def test_the_service_says_what_it_would_have_to_know(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    assert post(service, "unknown", {"do": "mass_send"}) == (200, {"account": accounts["unknown"], "still_to_do": []})
    status, answer = post(service, "unknown", {"do": "mass_send"})
    assert (status, answer) == (409, {"missing": [["account.type"]]})


def test_the_service_tells_every_problem_of_a_request(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    status, problems = post(service, "certified", {"set": {"type": "servce", "colour": 3}})
    assert (status, [each["field"] for each in problems]) == (422, ["change.set.type", "change.set.colour"])
    assert "did you mean `service`?" in problems[0]["problem"]
    assert post(service, "certified", ["set"])[0] == 422
    assert post(service, "certified", {})[0] == 422
    assert post(service, "nobody", {"do": "log_in"})[0] == 404


def test_the_service_keeps_a_history_that_limits_count(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    assert post(service, "certified", {"do": "mass_send"})[0] == 200
    status, refused = post(service, "certified", {"do": "mass_send"})
    assert (status, refused[0]["rule"]) == (403, "actions.mass_send.limits.daily")


def test_the_service_records_every_kind_of_change(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    """By the names that limits count them by; what changes nothing is not recorded."""
    changes = [{"set": {"type": "service"}}, {"enable": "wechat_pay"}, {"enable": "wechat_pay"}, {"do": "mass_send"}]
    assert [post(service, "certified", each)[0] for each in changes] == [200] * 4
    recorded = [each["event"] for each in fastapi_dependency.HISTORY["certified"]]
    assert recorded == ["upgrade", "enable.wechat_pay", "mass_send"]


def test_the_service_moves_features(service: str, accounts: dict[str, dict[str, Any]]) -> None:
    status, answer = post(service, "service", {"enable": "wechat_pay"})
    assert (status, answer["still_to_do"]) == (200, ["apply as a WeChat Pay merchant"])
    assert accounts["service"]["features"] == ["wechat_pay"]
    assert post(service, "service", {"disable": "wechat_pay"})[0] == 200
    assert accounts["service"]["features"] == []


def test_what_a_client_says_of_the_account_counts_for_nothing(
    service: str, accounts: dict[str, dict[str, Any]]
) -> None:
    smuggled = {"set": {"type": "service"}, "account": {"certified_until": "2099-12-31"}}
    status, problems = post(service, "lapsed", smuggled)
    assert (status, problems[0]["field"]) == (422, "change.account")


# ---------------------------------------------------------------------------------------------------------- Django


@pytest.fixture
def tables() -> Iterator[None]:
    """The tables of the models, in a database in memory."""
    models = (django_model.Account, django_model.Event)
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        for model in reversed(models):
            editor.delete_model(model)
    connection.close()


def saved(**facts: Any) -> django_model.Account:
    account = django_model.Account(**{"type": "subscription", "subject": "media", **facts})
    account.full_clean()
    account.save()
    return django_model.Account.objects.get(pk=account.pk)


@pytest.mark.usefixtures("tables")
def test_a_model_is_valid_if_the_change_is_allowed() -> None:
    account = saved(certified_until=NEXT_YEAR)
    account.type = "service"
    account.full_clean()
    account.save()
    account.full_clean()  # nothing changes now


@pytest.mark.usefixtures("tables")
def test_a_model_that_is_refused_tells_why() -> None:
    account = saved(certified_until=LAST_YEAR)
    account.type = "service"
    with pytest.raises(ValidationError) as raised:
        account.full_clean()
    [told] = raised.value.messages
    assert told.startswith("a subscription account may be upgraded to a service account once")
    with translation.override("zh-hans"), pytest.raises(ValidationError, match="订阅号须在微信认证有效期内"):
        account.full_clean()


@pytest.mark.usefixtures("tables")
def test_a_new_model_is_judged_as_a_registration() -> None:
    with pytest.raises(ValidationError, match="a service account is for media, enterprises"):
        saved(type="service", subject="individual")


@pytest.mark.usefixtures("tables")
def test_what_is_stored_is_judged_and_not_what_was_loaded() -> None:
    account = saved(certified_until=LAST_YEAR)
    account.certified_until, account.type = NEXT_YEAR, "service"
    with pytest.raises(ValidationError) as raised:
        account.full_clean()
    assert [each.code for each in raised.value.error_dict["__all__"]] == [
        "lifecycle.type.upgrade",
        "fields.certified_until.unlisted",
    ]


@pytest.mark.usefixtures("tables")
def test_events_of_a_model_are_counted() -> None:
    account = saved(certified_until=NEXT_YEAR)
    django_model.Event.objects.create(account=account, name="upgrade", at=datetime(2024, 4, 12, tzinfo=UTC))
    account.type = "service"
    with pytest.raises(ValidationError, match="at most 1 in all: 1 so far"):
        account.full_clean()


@pytest.mark.usefixtures("tables")
def test_a_value_that_the_policy_does_not_have_is_told_as_one() -> None:
    account = saved()
    account.type = "servce"
    with pytest.raises(ValidationError, match="did you mean `service`"):
        account.full_clean()


@pytest.mark.usefixtures("tables")
def test_a_form_shows_the_explanation() -> None:
    form = modelform_factory(django_model.Account, fields=["type"])
    refused = form({"type": "service"}, instance=saved(certified_until=LAST_YEAR))
    assert not refused.is_valid()
    assert "may be upgraded to a service account once" in refused.non_field_errors()[0]
    assert form({"type": "service"}, instance=saved(certified_until=NEXT_YEAR)).is_valid()


# ------------------------------------------------------------------------------------------------------ SQLAlchemy


@pytest.fixture
def session() -> Iterator[Session]:
    engine = sqlalchemy.create_engine("sqlite://")
    sqlalchemy_hook.Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def stored(session: Session, **facts: Any) -> sqlalchemy_hook.Account:
    account = sqlalchemy_hook.Account(**{"type": "subscription", "subject": "media", **facts})
    session.add(account)
    session.commit()
    return account


def type_in_the_database(session: Session) -> Any:
    return session.connection().execute(sqlalchemy.text("SELECT type FROM account")).scalar_one()


def test_a_flush_writes_a_change_that_is_allowed(session: Session) -> None:
    account = stored(session, certified_until=NEXT_YEAR)
    account.type = "service"
    session.commit()
    assert type_in_the_database(session) == "service"
    assert [each.event for each in account.events] == ["register", "upgrade"]


def test_a_flush_refuses_a_change_that_is_not(session: Session) -> None:
    account = stored(session, certified_until=LAST_YEAR)
    account.type = "service"  # the commit has expired what was loaded: the state before is loaded again
    with pytest.raises(sqlalchemy_hook.Unlawful, match="upgraded to a service account once") as raised:
        session.commit()
    assert raised.value.decision.verdict == "deny"
    session.rollback()
    assert type_in_the_database(session) == "subscription"


def test_the_state_before_is_the_one_that_is_stored(session: Session) -> None:
    account = stored(session, certified_until=LAST_YEAR)
    account.certified_until, account.type = NEXT_YEAR, "service"
    with pytest.raises(sqlalchemy_hook.Unlawful) as raised:
        session.flush()
    changed = {each.rule for each in raised.value.decision.reasons if each.severity == "error"}
    assert changed == {"lifecycle.type.upgrade", "fields.certified_until.unlisted"}


def test_a_value_that_is_deleted_is_not_passed_over(session: Session) -> None:
    account = stored(session, certified_until=NEXT_YEAR)
    del account.certified_until
    with pytest.raises(lawful.RequestError, match="cannot be set to null"):
        session.flush()


def test_a_new_account_is_judged_as_a_registration(session: Session) -> None:
    with pytest.raises(sqlalchemy_hook.Unlawful, match="may-hold-service"):
        stored(session, type="service", subject="individual")


def test_what_happened_before_counts(session: Session) -> None:
    account = stored(session, certified_until=NEXT_YEAR)
    account.events.append(sqlalchemy_hook.Happened(event="upgrade", at=datetime(2024, 4, 12)))
    session.commit()
    account.type = "service"
    with pytest.raises(sqlalchemy_hook.Unlawful, match="at most 1 in all: 1 so far"):
        session.flush()


def test_a_change_that_is_none_of_the_policys_is_not_asked_about(session: Session) -> None:
    account = stored(session, last_active=date(2024, 4, 12))
    account.type = "subscription"
    account.events.append(sqlalchemy_hook.Happened(event="log_in", at=datetime.now(UTC)))
    assert sqlalchemy_hook.asked(account) is None
    session.commit()

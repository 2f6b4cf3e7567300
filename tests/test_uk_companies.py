"""The pack `uk-companies` on what Companies House publishes, and its promise about limited and unlimited, proved."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import lawful

FIXTURES = Path(__file__).parent.parent / "fixtures" / "uk-companies"
COMPANIES = FIXTURES / "BasicCompanyData.csv"
FILINGS = FIXTURES / "filings.jsonl"
ASKED: dict[str, Any] = {"mapping": "companies-house", "at": "2026-11-02"}
# As the monthly file has it, blanks included.
HEADER = (
    "CompanyName, CompanyNumber,RegAddress.CareOf,RegAddress.POBox,RegAddress.AddressLine1, RegAddress.AddressLine2,"
    "RegAddress.PostTown,RegAddress.County,RegAddress.Country,RegAddress.PostCode,CompanyCategory,CompanyStatus,"
    "CountryOfOrigin,DissolutionDate,IncorporationDate,Accounts.AccountRefDay,Accounts.AccountRefMonth,"
    "Accounts.NextDueDate,Accounts.LastMadeUpDate,Accounts.AccountCategory,Returns.NextDueDate,Returns.LastMadeUpDate,"
    "Mortgages.NumMortCharges,Mortgages.NumMortOutstanding,Mortgages.NumMortPartSatisfied,Mortgages.NumMortSatisfied,"
    "SICCode.SicText_1,SICCode.SicText_2,SICCode.SicText_3,SICCode.SicText_4,LimitedPartnerships.NumGenPartners,"
    "LimitedPartnerships.NumLimPartners,URI,PreviousName_1.CONDATE, PreviousName_1.CompanyName,"
    " PreviousName_2.CONDATE, PreviousName_2.CompanyName,"
    + "".join(f"PreviousName_{n}.CONDATE, PreviousName_{n}.CompanyName," for n in range(3, 11))
    + "ConfStmtNextDueDate, ConfStmtLastMadeUpDate"
)


@pytest.fixture(scope="module")
def policy() -> lawful.Policy:
    return lawful.load("uk-companies")


def test_the_sample_has_the_header_of_the_monthly_file() -> None:
    with COMPANIES.open(encoding="utf-8", newline="") as file:
        assert file.readline().rstrip("\n") == HEADER
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {HEADER.count(",") + 1}
    assert len(rows) == 200


def test_companies_and_their_filings_are_audited(policy: lawful.Policy) -> None:
    question: dict[str, Any] = {"can": ["set type=private-unlimited"], "request": {"all_members_assent": True}}
    with policy.audit(COMPANIES, history=FILINGS, **ASKED, **question) as audit:
        rows, summary = audit.findings.to_pyarrow().to_pylist(), audit.summary
        answers = audit.answers.to_pyarrow().to_pylist()
    found = {(row["account_id"], row["rule"]): row["explanation_en"] for row in rows}
    swung = "lifecycle.type.unlimited-to-limited.never_after"
    assert set(found) == {
        ("99000001", swung),
        ("99000001", "constraints.limited-after-unlimited"),
        ("99000002", "lifecycle.type.limited-to-unlimited.never_after"),
        ("99000002", "constraints.unlimited-after-limited"),
        ("99000003", "lifecycle.type.unlimited-to-public.never_after"),
        ("99000003", "constraints.limited-after-unlimited"),
        ("99000008", "constraints.unclear-record"),
        ("99000011", "constraints.unclear-record"),
        ("99000101", "constraints.name-of-a-public-company"),
    }
    assert found["99000002", "lifecycle.type.limited-to-unlimited.never_after"] == (
        "never after “re-registration of an unlimited company as limited” or "
        "“application to re-register an unlimited company as private and limited”"
    )
    assert (summary.accounts, summary.events, summary.not_judged) == (200, 25, ())
    verdicts = {row["account_id"]: row["verdict"] for row in answers}
    assert [verdicts[f"9900000{n}"] for n in (1, 3, 4, 6, 7)] == ["deny", "deny", "allow", "deny", "allow"]
    assert verdicts["99000011"] == "undetermined"
    assert verdicts["99000015"] == "deny"  # limited, as it applied to be; no certificate of it


def test_a_filing_that_says_too_little_allows_nothing_that_a_guard_may_forbid(policy: lawful.Policy) -> None:
    evidence = {
        "special_resolution": True,
        "resolution_states_limit": True,
        "resolution_passed_on": "2026-10-01",
        "objection": "none",
    }
    with policy.audit(COMPANIES, history=FILINGS, **ASKED, can=["set type=ltd"], request=evidence) as audit:
        verdicts = {row["account_id"]: row["verdict"] for row in audit.answers.to_pyarrow().to_pylist()}
    # a certificate “to Unlimited” after it was public; applications of public and of private to unlimited, and one to
    # be private, all of companies that are unlimited now
    assert [verdicts[f"99000{n}"] for n in ("005", "009", "128", "178")] == ["deny"] * 4
    assert verdicts["99000118"] == "undetermined"  # the company gave notice of an application to the court


def test_a_certificate_says_what_the_company_was_and_a_record_with_gaps_is_no_error(policy: lawful.Policy) -> None:
    with policy.audit(COMPANIES, history=FILINGS, **ASKED) as audit:
        found = {row["account_id"] for row in audit.findings.to_pyarrow().to_pylist()}
    # public, then “from Limited to Unlimited”; limited, and public without a certificate of that
    assert not found & {"99000186", "99000010"}


def test_no_company_swings_from_limited_to_unlimited_and_back(policy: lawful.Policy) -> None:
    answers = {each.question.id: each.status for each in policy.prove("invariant").answers}
    assert set(answers.values()) == {"proved"}
    assert "prove.invariant.no-swing-back" in answers


def test_a_plan_passes_the_resolution_and_waits_28_days_without_an_application_to_the_court(
    policy: lawful.Policy,
) -> None:
    company = {"company_number": "99000502", "name": "CALDER HOLDINGS PLC", "type": "plc", "status": "active"}
    plan = policy.plan(account=company, change={"set": {"type": "ltd"}}, history=[], at="2026-11-02")
    said = {each.obtained.fact: each.obtained.value for each in plan.steps if each.obtained is not None}
    assert said == {"request.resolution_passed_on": "2026-11-02", "request.objection": "none"}
    assert [each.at[:10] for each in plan.steps] == ["2026-11-02", "2026-12-01", "2026-12-01"]

"""The report in a real browser, on a wide screen and on a phone; what needs none, without."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import audit_samples
from chromium import SIZES, WIDE, Elements, contrast, js, needs_chromium, open_at, search, visible_text
from lawful.audit.summary import CrossCheck, Months, Summary
from lawful.audit.telling.finding import Findings
from lawful.audit.telling.report import _months, report, write_report


@pytest.fixture(scope="module")
def told() -> Summary:
    return audit_samples.summary()


@pytest.fixture(scope="module")
def findings(told: Summary, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    rows = [*audit_samples.rows(told), *audit_samples.hostile_rows()]
    return audit_samples.written(tmp_path_factory.mktemp("findings") / "found.parquet", rows)


@pytest.fixture(scope="module")
def page(told: Summary, findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report") / "report.html"
    write_report(told, findings, target)
    return target


# ------------------------------------------------------------------------------------------------ without a browser


def test_the_page_is_well_formed(page: Path) -> None:
    assert Elements(page.read_text(encoding="utf-8")).open == []


def test_the_same_audit_is_the_same_page(told: Summary, findings: Findings, page: Path) -> None:
    assert report(told, findings) == page.read_text(encoding="utf-8")


def test_the_page_loads_nothing(page: Path) -> None:
    for tag, attributes in Elements(page.read_text(encoding="utf-8")).found:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form"), tag
        for name in ("src", "href", "srcset", "action", "style"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:,")) or not value, (tag, name, value)
        assert not any(name.startswith("on") for name in attributes)


def test_the_page_s_policy_names_its_own_style_and_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html.unescape(policy)
    assert html.unescape(policy).startswith("default-src 'none'")


def test_no_id_stands_twice(page: Path) -> None:
    ids = [each["id"] for _, each in Elements(page.read_text(encoding="utf-8")).found if "id" in each]
    assert len(ids) == len(set(ids))


def test_twenty_five_rules_of_fifty_findings_stay_below_two_megabytes(tmp_path: Path) -> None:
    told, rows = audit_samples.many(25, 60)
    found = audit_samples.written(tmp_path / "many.parquet", rows)
    write_report(told, found, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("data-finding>") == 25 * 50
    assert len(text.encode()) < 2_000_000


def test_long_texts_do_not_make_the_page_large(tmp_path: Path) -> None:
    told, rows = audit_samples.many(25, 50)
    long = [row | dict.fromkeys(("account_id", "explanation_en", "facts"), "很" * 100000) for row in rows[:50]]
    found = audit_samples.written(tmp_path / "long.parquet", long)
    assert len(report(told, found).encode()) < 500_000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_may_speak_one_language(language: Any, told: Summary, findings: Findings) -> None:
    text = report(told, findings, language, languages=())
    other = "zh-Hans" if language == "en" else "en"
    assert f"lang={other}" not in text
    assert "<button" not in text


def test_what_turns_the_writing_round_is_told_as_an_escape(told: Summary, tmp_path: Path) -> None:
    hostile = audit_samples.written(tmp_path / "hostile.parquet", audit_samples.hostile_rows())
    text = report(told, hostile)
    assert r"<bdi>gh_\u202e1</bdi>" in text
    assert "\u202e" not in text
    assert html.escape(audit_samples.HOSTILE) in text.replace("&#39;", "&#x27;").replace("&#34;", "&quot;")


def test_an_audit_that_found_nothing_is_reported(tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    quiet = tuple(each for each in audit_samples.summary().rules if each.violated == each.unknown == 0)
    nothing = {"accounts_with_findings": 0, "not_judged": (), "data": (), "months": (), "lifecycles": (), "title": None}
    assert "no findings for 20 000 accounts" in report(audit_samples.summary(**nothing, rules=quiet), empty)
    unjudged = report(audit_samples.summary(**nothing, rules=()), empty)
    assert unjudged.count("nothing was judged: no rule of the policy is about what was given") == 2
    assert "There are none." not in unjudged


def months(counts: list[int], **changed: Any) -> list[tuple[str, int]]:
    """The bars of a chart whose thirteenth month is that of the audit."""
    names = [f"{2024 + (month + 2) // 12}-{(month + 2) % 12 + 1:02}" for month in range(len(counts))]
    given = {"before": 0, "after": 0} | changed
    told = _months(Months("f", None, tuple(zip(names, counts, strict=True)), **given), names[12])
    return [(each.name.best("en"), each.count) for each in told]


def test_empty_months_take_no_room() -> None:
    assert months([0] * 25) == [("2025-03", 0)]
    assert months([0] * 12 + [5] + [0] * 12, before=3) == [("earlier", 3), ("2025-03", 5)]
    assert months([1] + [0] * 11 + [5, 0, 0, 2] + [0] * 9, after=1) == [
        ("2024-03", 1),
        ("2024-04 – 2025-02", 0),
        ("2025-03", 5),
        ("2025-04", 0),
        ("2025-05", 0),
        ("2025-06", 2),
        ("later", 1),
    ]


def test_what_the_rules_find_by_a_date_stands_beside_its_months(page: Path) -> None:
    (listed,) = re.findall(r'<ul class="reading".*?</ul>', page.read_text(encoding="utf-8"), re.DOTALL)
    plain = " ".join(re.sub("<[^>]*>", "", listed).split())
    assert "the account is dormant账号长期未使用: 2 410 accounts2 410个帐号, 1 190 unknown" in plain
    assert "the certification has lapsed" in plain


STYLE = (Path(audit_samples.__file__).parent.parent / "engine/lawful/pages/page.css").read_text()
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in STYLE.split("@media")[:2])


@pytest.mark.parametrize("colours", [LIGHT, LIGHT | DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("ink", "quiet", "link") for ground in ("paper", "ground")),
        *((name, f"{name}-ground") for name in ("error", "warning", "info")),
        *(("ink", f"{name}-ground") for name in ("error", "warning", "info")),
        ("error", "paper"),
        ("ink", "rest"),
        ("paper", "ink"),
    ],
)
def test_every_text_can_be_read_on_its_ground(text: str, ground: str, colours: dict[str, str]) -> None:
    """WCAG's contrast of 4.5."""
    assert contrast(colours[text], colours[ground]) >= 4.5


# ---------------------------------------------------------------------------------------------------- in a browser

Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, page: Path) -> Open:
    """Opens a page at a size, in a colour scheme; the report unless another is given."""

    def open_page(size: tuple[int, int] = WIDE, *, scheme: str = "light", media: str = "", path: Path = page) -> Any:
        return open_at(browser, path, size, scheme=scheme, media=media)

    return open_page


def shown_rows(browser: Any) -> int:
    return int(js(browser, "[...document.querySelectorAll('tr[data-finding]')].filter(row => !row.hidden).length"))


@needs_chromium
@SIZES
def test_the_totals_are_seen(size: tuple[int, int], opened: Open) -> None:
    text = visible_text(opened(size))
    for expected in (
        "8 021 of 20 000 accounts have findings",
        "WeChat official accounts",
        "1 213 accounts judged again by the reference, 10 917 outcomes: all agreed",
        "9 rules without a finding",
        "2 rules not judged",
        "41 250",
        "sha256:0f0f",
    ):
        assert expected in text


@needs_chromium
@SIZES
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], language: str, scheme: str, opened: Open) -> None:
    browser = opened(size, scheme=scheme)
    js(browser, "document.querySelector(arguments[0]).click()", f"[data-language='{language}']")
    js(browser, "document.querySelectorAll('details').forEach(each => each.open = true)")
    assert js(browser, "document.documentElement.scrollWidth <= innerWidth")
    assert js(browser, "innerWidth") == size[0]
    assert js(browser, "[...document.querySelectorAll('.scroll')].every(each => each.scrollWidth <= each.clientWidth)")


@needs_chromium
@SIZES
def test_bars_are_as_long_as_their_numbers(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    widths = js(
        browser,
        "[...document.querySelectorAll('section[aria-labelledby=rules] .bar')]"
        ".map(bar => bar.querySelectorAll('rect')[1].getBoundingClientRect().width / bar.getBoundingClientRect().width)",
    )
    assert len(widths) == 10
    assert max(widths) == pytest.approx(1)
    assert widths[0] == pytest.approx(812 / 5_733, abs=0.01)
    assert min(widths) > 0
    assert js(browser, "document.querySelector('.bar').getBoundingClientRect().width") > 200


@needs_chromium
@SIZES
def test_the_life_cycle_is_drawn_with_its_counts(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    texts = js(browser, "[...document.querySelectorAll('svg.lifecycle text')].map(each => each.textContent.trim())")
    assert {"12 806", "5 930", "74", "1 190", "upgrade · 388", "✗ · 3", "✗ · 2"} <= set(texts)
    rows = js(browser, "[...document.querySelectorAll('tr.stray')].map(each => each.innerText)")
    assert [row.split("\t")[-1].strip() for row in rows] == ["3", "2"]
    stroke = "getComputedStyle(document.querySelector('.way.stray')).stroke"
    assert js(browser, "getComputedStyle(document.querySelector('tr.stray td')).color") == js(browser, stroke)
    assert js(browser, "document.querySelector('svg.lifecycle').getBoundingClientRect().right <= innerWidth")


@needs_chromium
@SIZES
def test_months_before_and_after_the_audit_look_different(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    fills = js(
        browser,
        "['before', 'at', 'after'].map(when => getComputedStyle(document.querySelector('rect.month-' + when)).fill)",
    )
    assert len(set(fills)) == 3
    assert "2025-03\n410" in visible_text(browser).replace("\t", "\n")


@needs_chromium
@SIZES
def test_the_search_hides_what_does_not_match(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    every = shown_rows(browser)
    search(browser, "may-hold-ENTERPRISE 媒体")
    assert 0 < shown_rows(browser) < every
    assert js(browser, "document.querySelectorAll('details.rule:not([hidden])').length") == 1
    assert js(browser, "document.querySelector('details.rule:not([hidden])').open")
    search(browser, "nothing is called so")
    assert shown_rows(browser) == 0
    assert "Nothing in this page matches" in visible_text(browser)
    search(browser, "")
    assert shown_rows(browser) == every
    assert js(browser, "document.querySelectorAll('details.rule[open]').length") == 1


@needs_chromium
def test_an_account_is_found_by_its_id(opened: Open, findings: Findings) -> None:
    browser = opened()
    account = findings.first_of_each_rule(1)["constraints.dormant"][0].account
    search(browser, account.upper())
    assert account in visible_text(browser)
    assert shown_rows(browser) >= 1


@needs_chromium
@SIZES
def test_the_page_speaks_chinese_when_asked(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    browser.find_element("css selector", "[data-language='zh-Hans']").click()
    text = visible_text(browser)
    assert js(browser, "document.documentElement.lang") == "zh-Hans"
    assert "20 000个帐号中有8 021个存在问题" in text
    assert "微信公众号" in text
    assert "个人主体不支持注册服务号" in text
    assert "service accounts are not for individuals" not in text
    assert js(browser, "document.getElementById('search').placeholder") == "帐号、规则或文字"
    browser.find_element("css selector", "[data-language='en']").click()
    assert "个人主体不支持注册服务号" not in visible_text(browser)


@needs_chromium
def test_the_page_opens_in_the_language_asked_for(
    told: Summary, findings: Findings, opened: Open, tmp_path: Path
) -> None:
    write_report(told, findings, tmp_path / "zh.html", "zh")
    text = visible_text(opened(path=tmp_path / "zh.html"))
    assert "审计报告" in text
    assert "Audit report" not in text


@needs_chromium
def test_what_the_data_says_is_shown_and_not_done(opened: Open) -> None:
    browser = opened()
    assert audit_samples.HOSTILE in visible_text(browser)
    assert js(browser, "document.scripts.length") == 1
    assert js(browser, "document.querySelectorAll('td a, td script, td img').length") == 0


@needs_chromium
@SIZES
def test_nothing_is_asked_of_a_network_and_nothing_complains(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    search(browser, "gh")
    js(browser, "document.querySelectorAll('[data-language]').forEach(each => each.click())")
    assert browser.get_log("browser") == []
    asked = re.findall(r'"method":"Network.requestWillBeSent".*?"url":"([^"]*)"', str(browser.get_log("performance")))
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert js(browser, "performance.getEntriesByType('resource').length") == 0


@needs_chromium
def test_a_script_that_got_in_would_not_run(opened: Open) -> None:
    browser = opened()
    js(
        browser,
        "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        " document.body.append(script); })()",
    )
    assert js(browser, "window.ran") is None
    assert js(browser, "getComputedStyle(document.body).backgroundColor") == "rgb(244, 245, 247)"


@needs_chromium
@SIZES
def test_the_dark_scheme_is_dark(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size, scheme="dark")
    assert js(browser, "getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 25)"


@needs_chromium
def test_paper_is_white_and_shows_every_finding(opened: Open) -> None:
    browser = opened(scheme="dark", media="print")
    style = "getComputedStyle(document.querySelector(arguments[0]))"
    assert js(browser, f"{style}.display", ".search") == "none"
    assert js(browser, f"{style}.display", ".languages") == "none"
    assert js(browser, "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()") == "#1b1f24"
    closed = "details.rule:not([open]) tr[data-finding]"
    assert js(browser, f"document.querySelector('{closed}').getBoundingClientRect().height") > 0
    js(browser, "window.dispatchEvent(new Event('beforeprint'))")
    assert js(browser, "document.querySelectorAll('details:not([open])').length") == 0
    js(browser, "window.dispatchEvent(new Event('afterprint'))")
    assert js(browser, "document.querySelectorAll('details.rule[open]').length") == 1


@needs_chromium
def test_a_link_from_the_chart_opens_the_rule(opened: Open) -> None:
    browser = opened()
    browser.find_element("css selector", ".chart a[href='#rule-8']").click()
    assert js(browser, "document.getElementById('rule-8').open")
    assert js(browser, "document.getElementById('rule-8').getBoundingClientRect().top < innerHeight")


@needs_chromium
@SIZES
def test_what_can_be_pressed_is_large_enough_and_named(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    heights = js(
        browser,
        "[...document.querySelectorAll('button, input, details.rule > summary')].map(each => each.getBoundingClientRect().height)",
    )
    assert min(heights) >= 36
    assert js(browser, "document.querySelector('label[for=search]').innerText") == "Search"
    assert js(
        browser,
        "[...document.querySelectorAll('svg[role=img]')].every(each => each.ariaLabel || each.hasAttribute('aria-labelledby'))",
    )


@needs_chromium
@SIZES
def test_a_disagreement_is_seen(size: tuple[int, int], findings: Findings, opened: Open, tmp_path: Path) -> None:
    differing = audit_samples.summary(cross_check=CrossCheck(10, 250, ("gh_1: constraints.dormant",)))
    write_report(differing, findings, tmp_path / "differing.html")
    browser = opened(size, path=tmp_path / "differing.html")
    assert "10 accounts judged again by the reference, 250 outcomes: 1 differs" in visible_text(browser)
    assert "gh_1: constraints.dormant" in visible_text(browser)

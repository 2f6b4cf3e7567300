"""The rules as a page: what it says, to whom, and how it looks in a real browser, wide and on a phone."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import drawing
import lawful
import policies
from chromium import SIZES, WIDE, Elements, contrast, js, needs_chromium, open_at, search, visible_text
from lawful import cli
from lawful.cli.written import _examples
from lawful.matrix.grid import matrix
from lawful.pages.rules import page
from lawful.show import ways
from lawful.show.diagram import diagram

ROOT = Path(__file__).parent.parent
PACKS = (
    *sorted(each.parent for each in (ROOT / "policies").glob("*/policy.yaml")),
    ROOT / "fixtures" / "library-cards",
)
pack = pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
Open = Callable[..., Any]


def page_of(policy: lawful.Policy, language: Any = "en") -> str:
    return page(matrix(policy.program, policy.layouts), language, list(_examples(policy)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each policy."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    for each in PACKS:
        found[each.name] = folder / f"{each.name}.html"
        found[each.name].write_text(page_of(lawful.load(each)), encoding="utf-8")
    return found


def text_of(told: str) -> str:
    """What a page says, without its style, its script and the codes."""
    plain = re.sub(r"<(style|script|code|title)\b.*?</\1>", " ", told, flags=re.DOTALL)
    return " ".join(word for word in html.unescape(re.sub("<[^>]*>", " ", plain)).split() if "/" not in word)


# ------------------------------------------------------------------------------------------------ without a browser


def sound(told: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements of a page that is well formed and whose links all lead somewhere in it, or to a web address."""
    read = Elements(told)
    assert read.open == []
    ids = [each["id"] for _, each in read.found if "id" in each]
    assert len(ids) == len(set(ids))
    for tag, attributes in read.found:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form"), tag
        assert not any(name.startswith("on") or name in ("style", "srcset", "action") for name in attributes)
        href, src = attributes.get("href"), attributes.get("src")
        assert src is None
        if href is not None and href.startswith("#"):
            assert href[1:] in ids, href
        elif href is not None:
            assert href == "data:," or (tag == "a" and re.match("https?://", href)), href
    return read.found


@pack
def test_the_page_is_sound_and_the_same_every_time(folder: Path, pages: dict[str, Path]) -> None:
    told = pages[folder.name].read_text(encoding="utf-8")
    sound(told)
    assert told == page_of(lawful.load(folder))


def test_the_page_s_policy_names_its_own_style_and_script(pages: dict[str, Path]) -> None:
    told = pages["wechat"].read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', told)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", told, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html.unescape(policy)
    assert html.unescape(policy).startswith("default-src 'none'")


@pack
def test_every_rule_is_on_the_page_in_sentences(folder: Path, pages: dict[str, Path]) -> None:
    told, program = pages[folder.name].read_text(encoding="utf-8"), lawful.load(folder).program
    written = {move.id for move in program.moves if not move.trigger.startswith("disable.")}
    written |= {rule.id for rule in program.rules if rule.kind in ("constraint", "group")}
    written |= {f"invariants.{each.id}" for each in program.invariants}
    bare = {"registration"} - {rule.id for rule in program.rules}  # of which there is nothing to say
    assert {id for id in written - bare if f"<code>{id}</code>" not in told} == set()
    assert re.findall(r"\b(?:account|request)\.\w+|&&|\|\||==|!=|<=|>=|has\(", text_of(told)) == []
    assert folder.name != "wechat" or re.findall(r"\w+_\w+", text_of(told)) == []


def test_what_a_rule_says_is_said_in_both_languages(pages: dict[str, Path]) -> None:
    told = text_of(pages["wechat"].read_text(encoding="utf-8"))
    for expected in (
        "subscription account → service account: one upgrade to a service account after certification",
        "订阅号 → 服务号：通过微信认证后可升级为服务号（仅限一次）",
        "then certified until becomes 1 year after today",
        "that is: certified until is known",
        "且：微信认证有效期至不早于今天",
        "what people are told: WeChat Pay is for certified service accounts (type: ‹account type›",
        "note: the article's rule, undated",
        "an individual cannot register a service account",  # a case
    ):
        assert expected in told


def test_a_case_stands_at_the_version_that_was_in_force(pages: dict[str, Path]) -> None:
    told = pages["library-cards"].read_text(encoding="utf-8")
    first, second = re.findall(r"<article[^>]*>(?:(?!</article>).)*features\.atlas_room</code>", told, re.DOTALL)
    cases = [set(re.findall(r"</span></span> ([^<]*)</li>", each)) for each in (first, second)]
    assert all(cases)
    assert cases[0] & cases[1] == set()


@given(policies.drawn(requests=0))
@settings(max_examples=drawing.examples(25), suppress_health_check=list(HealthCheck), deadline=None)
def test_any_policy_has_a_page(drawn: policies.Drawn) -> None:
    sound(page_of(lawful.loads(drawn.policy)))


def test_what_a_policy_says_is_shown_and_not_done() -> None:
    told = page_of(
        lawful.loads(
            """
            policy: hostile
            version: "<b>1</b>"
            title: "<script>window.ran = 1</script>"
            sources:
              bad: {title: "<img src=x onerror=alert(1)>", url: "javascript:alert(1)"}
              good: {title: a page, url: "https://example.org/?a=1&b=\\"2"}
            account: {fields: {type: {enum: {a: "</text><script>", b: "\\uE000x\\uE001y\\uE002"}}}}
            conditions:
              odd: {when: account.type == 'a', title: "\\uE000odd\\uE001\\"><script>\\uE002 \\u202E"}
            lifecycle:
              type:
                transitions:
                  go: {from: a, to: b, requires: odd, source: bad, title: "{account.type} --> <!--"}
            """
        )
    )
    sound(told)
    assert told.count("<script>") == told.count("</script>") == 1
    assert 'href="javascript' not in told
    assert 'href="https://example.org/?a=1&amp;b=&#34;2"' in told
    assert "\u202e" not in told


def test_a_way_that_nobody_can_take_is_drawn_so() -> None:
    """What a version refuses whatever else is so, and what came to an end; not what goes on."""
    policy = lawful.loads(
        """
        policy: p
        version: 1
        account: {fields: {t: {enum: [a, b, c]}, paid: bool}}
        conditions: {first: account.t == 'a', never: account.t == 'c' && first}
        lifecycle:
          t:
            transitions:
              gone: {from: a, to: b, in_force: {until: 2020-01-01}}
              withdrawn:
                - {from: b, to: c, in_force: {until: 2021-02-03}}
                - {from: b, to: c, requires: never, in_force: {from: 2021-02-03}}
              back: {from: [b, c], to: a, requires: "!first && (account.t == 'b' || never)"}
              paid: {from: c, to: b, requires: account.paid}
        """
    )
    program = policy.program
    moves = {each.event: each for each in program.moves}
    found = {
        (source, target): ways.closed(program, moves[event], source, target)
        for event, source, target in (
            ("gone", "a", "b"),
            ("withdrawn", "b", "c"),
            ("back", "b", "a"),
            ("back", "c", "a"),
            ("paid", "c", "b"),
        )
    }
    assert found == {
        ("a", "b"): ways.Closed(date(2020, 1, 1)),
        ("b", "c"): ways.Closed(date(2021, 2, 3)),
        ("b", "a"): None,
        ("c", "a"): ways.Closed(None),
        ("c", "b"): None,
    }
    told = page_of(policy)
    assert told.count('class="way closed"') == 3
    assert "until 2020-01-01" in told
    assert "· never" in told
    mermaid = diagram(program, "t")
    assert "c --> a : back<br>✗ never allowed" in mermaid
    assert mermaid.count("✗ never allowed") == 2


def test_a_policy_in_one_language_has_no_switch() -> None:
    told = page_of(lawful.load(ROOT / "fixtures" / "defects" / "trap" / "defect.yaml"))
    assert "data-language=" not in told.partition("<script>")[0]
    assert 'lang="zh' not in told
    assert "Life cycle" in told


# ---------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(ROOT)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(each) for each in arguments])
        return code, *capsys.readouterr()

    return command


def test_the_page_goes_to_stdout_or_into_a_file(
    run: Callable[..., tuple[int, str, str]], pages: dict[str, Path], tmp_path: Path
) -> None:
    expected = pages["wechat"].read_text(encoding="utf-8")
    code, out, err = run("show", "wechat", "--html")
    assert (code, out.rstrip("\n"), err) == (0, expected.rstrip("\n"), "")
    assert run("show", "wechat", "--html", "--output", tmp_path / "rules.html") == (0, "", "")
    assert (tmp_path / "rules.html").read_text(encoding="utf-8") == expected
    _, chinese, _ = run("show", "wechat", "--html", "--lang", "zh")
    assert '<html lang="zh-Hans">' in chinese


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--html", "--output", "rules.txt"), "`--output` writes a file that ends in `.html`, not `rules.txt`"),
        (("--output", "rules.html"), "`--output` is where `--html` goes"),
        (("--html", "--stubs"), "`--stubs` and `--html` show different things"),
        (("--html", "--format", "json"), "`--html` shows a page, which has no other format"),
        (("--html", "--output", "/nowhere/rules.html"), "there is no folder `/nowhere`"),
    ],
)
def test_a_command_that_makes_no_sense_is_told(
    run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run("show", "wechat", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_without_the_extra_it_is_said_what_to_install(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith(("jinja2", "markupsafe", "lawful.pages"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "markupsafe", None)
    code, _, err = run("show", "wechat", "--html")
    assert code == 2
    assert "a page needs `markupsafe`, which is not installed" in err
    assert "pip install 'lawful[html]'" in err


# ---------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Open:
    def open_page(size: tuple[int, int] = WIDE, name: str = "wechat", *, scheme: str = "light", media: str = "") -> Any:
        return open_at(browser, pages[name], size, scheme=scheme, media=media)

    return open_page


def shown(browser: Any, selector: str) -> list[str]:
    """The texts of the elements that are seen."""
    script = "[...document.querySelectorAll(arguments[0])].filter(e => e.getClientRects().length)"
    script += ".map(e => e.innerText ?? e.textContent)"
    return [" ".join(text.split()) for text in js(browser, script, selector)]


@needs_chromium
@SIZES
def test_a_person_reads_what_the_policy_says(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    text = " ".join(visible_text(browser).split())
    for expected in (
        "WeChat official accounts",
        "There are 3 kinds of account (account type): subscription account, service account, enterprise account.",
        "Registered as subscription account, service account, enterprise account",
        "Final: service account; nothing leaves it",
        "requires: the account is certified",
        "At most 4 a calendar month, if it is a service account",
        "Required: registered subject is not individual",
    ):
        assert expected.casefold() in text.casefold()
    assert "certification is valid for one year" in text.casefold()
    assert not re.search("须|账号", text.replace("订阅号", ""))


@needs_chromium
@SIZES
@pytest.mark.parametrize("name", [each.name for each in PACKS])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int], name: str, opened: Open) -> None:
    browser = opened(size, name)
    for language in ("zh-Hans", "en"):
        js(browser, "document.querySelector(arguments[0])?.click()", f"[data-language='{language}']")
        js(browser, "document.querySelectorAll('details').forEach(each => each.open = true)")
        assert js(browser, "document.documentElement.scrollWidth <= innerWidth")
        assert js(browser, "innerWidth") == size[0]


@needs_chromium
@SIZES
def test_a_small_drawing_is_seen_whole(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size, "library-cards")
    drawn = js(browser, "[...document.querySelectorAll('svg.lifecycle')].map(e => e.getBoundingClientRect().right)")
    assert len(drawn) == 2
    assert max(drawn) <= size[0]


@needs_chromium
@SIZES
def test_the_matrix_is_seen_with_its_names_beside_it(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size, "library-cards")
    assert shown(browser, ".matrix:first-of-type tbody tr:nth-child(3) > *") == ["Rare books", "0", "0", "A", "1", "0"]
    legend = "A yes; still to do: book a supervised seat; under further rules: “a seat is for a card in use”"
    assert legend in shown(browser, ".mark")
    colours = js(browser, "[...document.querySelectorAll('.matrix td')].map(e => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) == 4
    js(browser, "document.querySelector('.matrix .scroll').scrollTo(500, 0)")
    left = js(browser, "document.querySelector('.matrix tbody th').getBoundingClientRect().left")
    assert left >= js(browser, "document.querySelector('.matrix .scroll').getBoundingClientRect().left") - 1


@needs_chromium
@SIZES
def test_the_life_cycle_is_drawn_and_its_numbers_are_those_of_the_rules(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size, "library-cards")
    assert shown(browser, "svg.lifecycle:first-of-type .state g:first-of-type text")[:4] == [
        "visitor card",
        "child card",
        "reader card",
        "researcher card",
    ]
    assert "3 · researcher on request" in shown(browser, "svg.lifecycle .label tspan")
    badges = shown(browser, "section:first-of-type .badge")
    assert badges == ["1", "2", "3", "3", "4"]


@needs_chromium
@SIZES
def test_the_search_shows_what_has_every_word(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    every = shown(browser, "article.rule")
    search(browser, "MASS calendar")
    (found,) = shown(browser, "article.rule")
    assert found.startswith("Mass message")
    assert shown(browser, "#shown") == ["1"]
    assert shown(browser, "h2") == ["Actions"]
    search(browser, "群发")
    assert shown(browser, "article.rule")
    search(browser, "nothing is called so")
    assert shown(browser, "article.rule") == []
    assert "Nothing in this page matches" in visible_text(browser)
    search(browser, "")
    assert shown(browser, "article.rule") == every


@needs_chromium
@SIZES
def test_a_word_leads_to_what_it_means(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    search(browser, "mass")
    browser.find_element(
        "css selector", "article.rule:not([hidden]) [lang=en] a[href='#means-service_account']"
    ).click()
    place = js(browser, "document.querySelector('#means-service_account').getBoundingClientRect()")
    assert 0 <= place["top"] < size[1]
    assert "account type is service account" in shown(browser, "#means-service_account")[0]
    browser.find_element("css selector", "nav a[href='#sources']").click()
    assert 0 <= js(browser, "document.querySelector('#sources').getBoundingClientRect().top") < size[1]


@needs_chromium
@SIZES
def test_the_page_speaks_chinese_when_asked(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    browser.find_element("css selector", "[data-language='zh-Hans']").click()
    text = visible_text(browser)
    assert js(browser, "document.documentElement.lang") == "zh-Hans"
    assert "个人主体不支持注册服务号" in text
    assert "每个自然月至多4次，当账号为服务号" in text
    assert "requires:" not in text.casefold()
    assert js(browser, "document.getElementById('search').placeholder") == "规则、词语或文字"


@needs_chromium
def test_nothing_is_asked_of_a_network_and_nothing_complains(opened: Open) -> None:
    browser = opened()
    search(browser, "a")
    js(browser, "document.querySelectorAll('[data-language]').forEach(each => each.click())")
    assert browser.get_log("browser") == []
    asked = re.findall(r'"method":"Network.requestWillBeSent".*?"url":"([^"]*)"', str(browser.get_log("performance")))
    assert all(url.startswith(("file:", "data:")) for url in asked)


@needs_chromium
@SIZES
def test_what_can_be_pressed_is_large_enough(size: tuple[int, int], opened: Open) -> None:
    browser = opened(size)
    script = "[...document.querySelectorAll('button, input, nav a')].map(e => e.getBoundingClientRect().height)"
    assert min(js(browser, script)) >= 36
    assert js(browser, "document.querySelector('label[for=search]').innerText") == "Search"


@needs_chromium
def test_paper_is_white_and_has_the_rules_alone(opened: Open) -> None:
    browser = opened(scheme="dark", media="print")
    assert shown(browser, ".search, nav, .languages, .examples") == []
    assert len(shown(browser, "article.rule")) == 19
    assert js(browser, "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()") == "#1b1f24"


@needs_chromium
def test_the_dark_scheme_can_be_read(opened: Open) -> None:
    browser = opened(name="library-cards", scheme="dark")
    assert js(browser, "getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 25)"
    script = (
        "[...document.querySelectorAll('.matrix td')].map(e => getComputedStyle(e))"
        ".map(s => [s.color, s.backgroundColor])"
    )
    for colours in {tuple(each) for each in js(browser, script)}:
        text, ground = (
            "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3]) for colour in colours
        )
        assert contrast(text, ground) >= 4.5

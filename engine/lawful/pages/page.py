"""What every page is made of: texts in all its languages, of which the browser shows one; a style and a script of its
own, and a policy that lets it load and run nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from lawful.ir import Language, Text
from lawful.pages import texts
from lawful.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

TAGS: Final[dict[Language, str]] = {"en": "en", "zh": "zh-Hans"}
_LONGEST: Final = 400
"""Characters of one text."""


def rendered(
    package: str, name: str, spoken: tuple[Language, ...], given: dict[str, Any], longest: int = _LONGEST
) -> str:
    """The template `name.html.j2` of a package with its style and its script; it opens in the first language.

    Nothing of the page depends on anything but what is given: the same is the same page.
    """
    own = files(package)
    style = _part("page.css") + "\n" + own.joinpath(f"{name}.css").read_text(encoding="utf-8")
    script = _part("page.js") + "\n" + own.joinpath(f"{name}.js").read_text(encoding="utf-8")
    template = _environment(spoken, longest).from_string(own.joinpath(f"{name}.html.j2").read_text(encoding="utf-8"))
    return template.render(
        **given,
        style=Markup(style),
        script=Markup(script),
        policy=_content_policy(style, script),
        spoken=spoken,
        language=spoken[0],
        version=__version__,
    )


def shown(text: str, longest: int = _LONGEST) -> str:
    """A text of a stranger: nothing hidden in it, and not endless."""
    return texts.shortened(texts.visible(text), longest)


def _environment(spoken: tuple[Language, ...], longest: int) -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    told = _bilingual(spoken, longest)
    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_part)
    )
    page.globals |= {
        "t": told,
        "spoken": spoken,
        "say": lambda english, chinese: told(Text(english, chinese)),
        "tag": TAGS,
        "best": lambda text: text.best(spoken[0]),
        "visible": lambda text: shown(text, longest),
        "label": lambda text: _label(text, spoken),
    }
    return page


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _content_policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but what stands in the page."""
    hashed = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashed[0]}'; script-src 'sha256-{hashed[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _bilingual(spoken: tuple[Language, ...], longest: int) -> Callable[..., Markup]:
    """Gives a text in all the page's languages, of which the page shows one."""

    def told(text: Text, tag: str = "span") -> Markup:
        by_language = {language: text.best(language) for language in spoken}
        if len(set(by_language.values())) == 1:
            return escape(shown(by_language[spoken[0]], longest))
        return Markup("").join(
            Markup("<{0} lang={1}>{2}</{0}>").format(Markup(tag), TAGS[language], shown(by_language[language], longest))
            for language in spoken
        )

    return told


def _label(text: Text, spoken: tuple[Language, ...]) -> str:
    """Both languages, as the script takes them out of an attribute."""
    return json.dumps({language: text.best(language) for language in spoken}, ensure_ascii=False)

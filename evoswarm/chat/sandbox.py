"""The language of chat templates: what transformers offers them, but no clock and no chance.

A prompt is a function of the template and of what a recipe says; two renderings may not differ. So the date is given,
and jinja's sources of randomness are taken away: a template that asks for one is refused like any other mistake.
Nothing here limits time or memory; that is the business of the process it runs in (see ``renderer``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

_CHANCE_FILTERS, _CHANCE_GLOBALS = ("random",), ("lipsum",)


class _Generation(Extension):
    """``{% generation %}`` marks what the assistant says; for a prompt it is only its content."""

    tags = {"generation"}  # noqa: RUF012 - as jinja declares it

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Dict:
    """The type ``dict``, as far as templates need it."""

    def __call__(self, *values: Any, **named: Any) -> dict[Any, Any]:
        return dict(*values, **named)

    def fromkeys(self, *values: Any) -> dict[Any, Any]:
        return dict.fromkeys(*values)


class _Namespace(Namespace):
    """Variables that outlive a loop; none may be called like Python's own internals."""

    def __init__(*values: Any, **named: Any) -> None:  # `namespace(self=...)` is an ordinary variable
        self, *rest = values
        for key in dict(*rest, **named):
            _refuse_private(key)
        Namespace.__init__(self, *rest, **named)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_private(name)
        super().__setitem__(name, value)


def _refuse_private(name: object) -> None:
    if str(name).startswith("_"):
        raise SecurityError(f"a namespace may not hold {name!r}")


def renderer(source: str, day: str, values: dict[str, Any]) -> Callable[..., list[str]]:
    """What runs in the confined process: a function of messages, and of whether the assistant is to speak.

    Args:
        source: in jinja.
        day: ``YYYY-MM-DD``.
        values: variables that the template finds at every rendering.

    Returns:
        a function that returns the kind of what came out (``text``, ``error`` or ``limit``), and what came out.
    """
    render: Callable[..., str] | None = None

    def rendered(messages: list[dict[str, Any]], generate: bool) -> list[str]:
        nonlocal render
        try:
            render = render or compiled(source, date.fromisoformat(day))
            given = {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": generate}
            return ["text", render(**{**given, **values})]
        except MemoryError:
            return ["limit", "it needs more memory than a prompt may take"]
        except RecursionError:
            return ["error", "it calls itself without end"]
        except Exception as error:  # whatever a stranger's program raises
            return ["error", _said(error)]

    return rendered


def _said(error: Exception) -> str:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return f"{said} (line {error.lineno} of the template)" if isinstance(error, TemplateSyntaxError) else said


def compiled(source: str, day: date) -> Callable[..., str]:
    """A template, ready to render.

    Args:
        source: in jinja.
        day: what it takes for today, from midnight on.

    Raises:
        jinja2.TemplateSyntaxError: it is no template.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    for name in _CHANCE_FILTERS:
        del environment.filters[name]
    for name in _CHANCE_GLOBALS:
        del environment.globals[name]
    environment.filters["tojson"] = _json
    environment.globals.update(
        raise_exception=_raise,
        strftime_now=datetime.combine(day, time()).strftime,
        dict=_Dict(),
        namespace=_Namespace,
    )
    return environment.from_string(source).render


def _raise(message: object) -> None:
    raise TemplateError(str(message))


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Without the escapes of HTML that jinja's own makes."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

"""Templates with the features of those that checkpoints bring, each written here."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A template, options for it, whether contents are lists of parts, whether it takes a system turn."""

    source: str
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    parts: bool = False
    system: bool = True


TURNS = """{% for m in messages %}
    {{- '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

TEMPLATES = {
    "turns": Case(TURNS),
    "a date, and a system turn of its own": Case(
        """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set said = messages[0]['content'] | trim %}{% set messages = messages[1:] %}
{%- else %}{% set said = '' %}{% endif %}
{{- '<|h|>system\\nToday: ' + date_string + '\\n' + said + '<|e|>' }}
{%- for message in messages %}
    {{- '<|h|>' + message['role'] + '\\n' + message['content'] | trim + '<|e|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|h|>assistant\\n' }}{% endif %}
"""
    ),
    "a switch": Case(
        TURNS + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>{% endif %}",
        {"enable_thinking": False},
    ),
    "the switch on": Case(TURNS + "{% if enable_thinking %}<think>{% endif %}", {"enable_thinking": True}),
    "parts": Case(
        """{{ bos_token }}{% for m in messages %}<start>{{ m['role'] }}
{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}<end>
{% endfor %}{% if add_generation_prompt %}<start>model
{% endif %}""",
        parts=True,
    ),
    "either": Case(
        """{% for m in messages %}{% if m['content'] is string %}{{ m['content'] }}{% else %}
{%- for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif %}
{% endfor %}>"""
    ),
    "no system turn": Case(
        """{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('roles must alternate') }}{% endif %}[INST] {{ m['content'] }} [/INST]{% endfor %}""",
        system=False,
    ),
    "macros, namespaces, tools and loops that break": Case(
        """{%- macro turn(role, text) %}<{{ role }}>{{ text }}</{{ role }}>{% endmacro %}
{%- set ns = namespace(last=-1, seen=[]) %}{% set known = dict(user='U', system='S') %}
{%- for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}
{%- for m in messages %}
{{ turn(known[m.role], m.content) }}{% if loop.index0 == ns.last %}{% break %}{% endif %}{% endfor %}
{% if tools %}{{ tools | tojson }}{% endif %}{{ known | tojson(indent=1) }}{{ level }}{{ documents is none }}
{% generation %}{{ eos_token }}{% endgeneration %}
""",
        {"level": [1, {"a": None}]},
    ),
}

"""Whatever is asked, by the server's own OpenAPI document or against it, is answered: by no error of the server's."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.conftest import Serving

EXAMPLES = 8
"""For each operation and mode; ``tests/benchmarks/serving.py`` tries many more."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def fuzzed(root: str, examples: int) -> int:
    """Try every operation so often, with what its schema allows and with what it does not; says how often in all."""
    schema, tried = schemathesis.openapi.from_url(f"{root}/openapi.json"), 0
    for found in schema.get_all_operations():
        operation = found.ok()
        modes = list(GenerationMode) if operation.body else [GenerationMode.POSITIVE]  # else nothing can be wrong
        for mode in modes:

            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def attempt(case: schemathesis.Case) -> None:
                nonlocal tried
                tried += 1
                case.call_and_validate(checks=CHECKS, timeout=30)

            attempt()
    return tried


def test_no_request_of_any_form_ends_in_an_error_of_the_server(serving: Serving) -> None:
    with serving(tokens=8, questions=8, prompt_bytes=256) as running:
        assert fuzzed(running.root, EXAMPLES) > 30
        assert running.count("evoswarm_questions_active") == 0
        assert running.count("evoswarm_requests_total", status="200") > 10

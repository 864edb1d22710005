"""Policies as a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evoswarm.cli.commands.options import Quiet, count
from evoswarm.cli.given.trusting import RemoteCode


def serve(
    policies: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|POLICY...", help="Run directories or policies' files; each is one model."),
    ],
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Where to listen; others than this machine need a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Likewise; 0 is any that is free.")] = 8000,
    api_key_file: Annotated[
        Path | None,
        typer.Option("--api-key-file", metavar="FILE", help="Keys, one a line: every request needs one of them."),
    ] = None,
    members: Annotated[
        bool, typer.Option("--members", help="Offers each member alone, too, as POLICY/MEMBER.")
    ] = False,
    max_body: Annotated[int, typer.Option("--max-body", metavar="BYTES", min=1024, max=2**30, help="Of a request.")] = 4
    << 20,
    max_prompt: Annotated[
        int, typer.Option("--max-prompt", metavar="BYTES", min=1, max=2**30, help="Of a prompt or a conversation.")
    ] = 1 << 20,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", min=1, max=2**20, help="Symbols of an answer.")
    ] = 8192,
    max_questions: Annotated[
        int, typer.Option("--max-questions", metavar="N", min=1, max=4096, help="Of a request: prompts times n.")
    ] = 64,
    max_streams: Annotated[
        int, typer.Option("--max-streams", metavar="N", min=1, max=4096, help="Questions that are decoded at once.")
    ] = 64,
    max_queue: Annotated[
        int, typer.Option("--max-queue", metavar="N", min=0, max=2**20, help="Questions that wait behind those.")
    ] = 256,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", metavar="S", min=0.1, max=86400, help="For a request, waiting included.")
    ] = 600,
    drain_seconds: Annotated[
        float, typer.Option("--drain-seconds", metavar="S", min=0, max=86400, help="For answers to end when stopped.")
    ] = 30,
    allow_changed: Annotated[
        bool, typer.Option("--allow-changed", help="Goes on where members' files are others than the policy knew.")
    ] = False,
    quiet: Quiet = False,
    trust_remote_code: RemoteCode = False,
) -> None:
    """Answer over HTTP as OpenAI's interface does: completions, chats and streams of any number of policies."""
    from evoswarm.cli.telling.narrator import narrator_for

    named = " ".join(map(str, policies))
    with narrator_for(f"serve {named}", quiet=quiet) as narrator:
        from evoswarm.cli.serve_command import check_serve, run_serve
        from evoswarm.cli.telling.start import Start
        from evoswarm.serving.limits import ServingLimits

        limits = ServingLimits(
            body_bytes=max_body,
            prompt_bytes=max_prompt,
            questions=max_questions,
            tokens=max_tokens,
            streams=max_streams,
            queue=max_queue,
            seconds=max_seconds,
            drain_seconds=drain_seconds,
        )
        narrator.start(Start("serve", count(policies, "policy") if len(policies) == 1 else f"{len(policies)} policies"))
        checked = check_serve(policies, host, port, api_key_file, members=members, trust_remote_code=trust_remote_code)
        narrator.imports()
        run_serve(checked, limits, narrator, allow_changed=allow_changed, trust_remote_code=trust_remote_code)

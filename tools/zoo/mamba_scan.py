"""A fast forward of Mamba-1 for training on a CPU, over the very weights of a transformers model.

transformers' own fallback keeps every step of the recurrence in the autograd graph and spends seconds a step on
it. Here the recurrence of a layer is one autograd function that keeps the states only and walks back over them
(Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023, section 3).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import MambaForCausalLM
from transformers.models.mamba.modeling_mamba import MambaMixer


class _SelectiveScan(torch.autograd.Function):
    """h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t;  y_t = C_t . h_t, with h_0 = 0.

    Shapes: dt, x and y `[steps, batch, channels]`; A `[channels, states]`; B, C `[steps, batch, states]`.
    """

    @staticmethod
    def forward(ctx: Any, dt: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        steps, batch, channels = dt.shape
        states = dt.new_empty(steps + 1, batch, channels, a.shape[1])
        states[0] = 0.0
        inputs = dt * x
        y = torch.empty_like(x)
        for step in range(steps):
            decay = torch.exp(dt[step].unsqueeze(-1) * a)
            new = torch.mul(decay, states[step], out=states[step + 1])
            new.addcmul_(inputs[step].unsqueeze(-1), b[step].unsqueeze(1))
            torch.bmm(new, c[step].unsqueeze(-1), out=y[step].unsqueeze(-1))
        ctx.save_for_backward(dt, x, a, b, c, states)
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        dt, x, a, b, c, states = ctx.saved_tensors
        grad_y = grad_outputs[0].contiguous()
        inputs = dt * x
        grad_inputs, grad_dt = torch.empty_like(x), torch.empty_like(dt)
        grad_b, grad_c, grad_a = torch.empty_like(b), torch.empty_like(c), torch.zeros_like(a)
        grad_state = torch.zeros_like(states[0])
        for step in reversed(range(dt.shape[0])):
            grad_state.addcmul_(grad_y[step].unsqueeze(-1), c[step].unsqueeze(1))
            torch.bmm(grad_y[step].unsqueeze(1), states[step + 1], out=grad_c[step].unsqueeze(1))
            torch.bmm(inputs[step].unsqueeze(1), grad_state, out=grad_b[step].unsqueeze(1))
            torch.bmm(grad_state, b[step].unsqueeze(-1), out=grad_inputs[step].unsqueeze(-1))
            grad_state.mul_(torch.exp(dt[step].unsqueeze(-1) * a))
            grad_exponent = grad_state * states[step]
            grad_dt[step] = (grad_exponent * a).sum(-1)
            grad_exponent.mul_(dt[step].unsqueeze(-1))
            grad_a += grad_exponent.sum(0)
        return grad_dt + grad_inputs * x, grad_inputs * dt, grad_a, grad_b, grad_c


def _mix(mixer: MambaMixer, hidden: Tensor) -> Tensor:
    """One mixer over whole sequences; `hidden` and the result are `[steps, batch, hidden]`."""
    taps = mixer.conv_kernel_size
    x, gate = mixer.in_proj(hidden).chunk(2, dim=-1)
    padded = functional.pad(x, (0, 0, 0, 0, taps - 1, 0))
    x = sum(padded[tap : tap + x.shape[0]] * mixer.conv1d.weight[:, 0, tap] for tap in range(taps))
    if mixer.use_conv_bias:
        x = x + mixer.conv1d.bias
    x = mixer.act(x)
    sizes = [mixer.time_step_rank, mixer.ssm_state_size, mixer.ssm_state_size]
    dt, b, c = (part.contiguous() for part in mixer.x_proj(x).split(sizes, dim=-1))
    dt = functional.softplus(mixer.dt_proj(dt))
    y: Tensor = _SelectiveScan.apply(dt, x, -torch.exp(mixer.A_log), b, c)  # type: ignore[no-untyped-call]  # torch's
    mixed: Tensor = mixer.out_proj((y + x * mixer.D) * functional.silu(gate))
    return mixed


def mamba_logits(model: MambaForCausalLM, token_ids: Tensor) -> Tensor:
    """Returns the logits `[batch, steps, vocabulary]` of a float32 Mamba for `token_ids` `[batch, steps]`."""
    hidden = model.backbone.embeddings(token_ids.T)
    for block in model.backbone.layers:
        hidden = hidden + _mix(block.mixer, block.norm(hidden))
    logits: Tensor = model.lm_head(model.backbone.norm_f(hidden))
    return logits.transpose(0, 1)


def check_scan(model: MambaForCausalLM, tolerance: float = 1e-4) -> float:
    """Returns the greatest difference to transformers' own logits on random tokens.

    Raises:
        RuntimeError: if it exceeds `tolerance`.
    """
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    token_ids = torch.randint(model.config.vocab_size, (3, 17), generator=generator).to(device)
    with torch.no_grad():
        difference = (mamba_logits(model, token_ids) - model(input_ids=token_ids).logits).abs().max().item()
    if not difference < tolerance:
        raise RuntimeError(f"expected the scan within {tolerance} of transformers' Mamba, got {difference}")
    return float(difference)

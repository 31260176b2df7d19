"""Mixed precision that fits the device: bf16, or fp16 with scaled losses, or none.

Matrix products and convolutions are computed in 16 bits, everything else in float32; weights are
float32. bf16 has float32's range. fp16 has not: its losses are multiplied by a large number, so
that small gradients do not become zero, and a step whose gradients overflow is skipped.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from augfpn import config
from augfpn.training.repeatable import exchange

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
BF16_FROM = (8, 0)  # compute capability of the first GPUs that multiply bf16 in hardware
LEAST_SCALE = 1.0  # losses scaled down have gradients that overflow float32, too


def half_of(device: config.Device) -> config.Half:
    """bf16, or fp16 on a GPU that has no bf16 in hardware, such as a T4."""
    if device == "cpu" or torch.version.hip:
        return "bf16"
    return "bf16" if torch.cuda.get_device_capability() >= BF16_FROM else "fp16"


def half_in_use(settings: config.Train, device: str | None = None) -> config.Half | None:
    """The 16-bit type of products, ``None`` for float32; for a run, or inference on a ``device``.

    What was trained with mixed precision on a GPU is tested in float32 on a CPU.
    """
    return settings.half if settings.amp and device != "cpu" else None


def autocast(device: str, half: config.Half | None) -> torch.autocast:
    """Within it, matrix products and convolutions are computed in 16 bits, if a type is given."""
    return torch.autocast(
        torch.device(device).type, HALVES[half or "bf16"], enabled=half is not None
    )


@contextmanager
def float32_products(device: str, settings: config.Train) -> Iterator[None]:
    """Within it, float32 products on a GPU use TF32 with mixed precision, and are exact without.

    PyTorch's default is TF32 for convolutions only. Afterwards it is as before.
    """
    with ExitStack() as undo:
        if device == "cuda":
            for backend in (torch.backends.cuda.matmul, torch.backends.cudnn):
                exchange(backend, "allow_tf32", settings.amp, undo)
        yield


def said(device: str, settings: config.Train) -> str:
    """What is computed in which precision on a GPU, as one sentence; "" on a CPU."""
    if device == "cpu":
        return ""
    if not settings.amp:
        return "all numbers are float32, without TF32; --amp auto is faster on most GPUs."
    scaled = ", its losses scaled" if settings.half == "fp16" else ""
    return (
        f"matrix products and convolutions are computed in {settings.half}{scaled}, the remaining "
        "ones in TF32; --amp off computes all in float32."
    )


class Scaler(torch.amp.GradScaler):
    """torch's gradient scaler, which counts the steps that it skips. It does nothing without fp16.

    Raises: FloatingPointError if gradients overflow however small the scale has become.
    """

    def __init__(self, device: str, settings: config.Train) -> None:
        super().__init__(device, enabled=settings.amp and settings.half == "fp16")
        self.skipped = 0

    def take(self, optimizer: torch.optim.Optimizer) -> None:
        """The optimiser's step, unless a gradient is not finite; then the scale is halved."""
        before = self.get_scale()
        self.step(optimizer)
        self.update()
        if self.get_scale() >= before:
            return
        self.skipped += 1
        if self.get_scale() < LEAST_SCALE:
            raise FloatingPointError(
                f"gradients are not finite although the losses are scaled by {before:g} only: "
                "lower the learning rate, or use amp='bf16' or 'off'."
            )

    def state_dict(self) -> dict:
        return super().state_dict() | {"skipped": self.skipped}

    def load_state_dict(self, state: dict) -> None:
        self.skipped = state["skipped"]
        super().load_state_dict(state)

"""Is a part of AugFPN that somebody wrote again the same as ours? A check for each part.

A class gets the arguments and inputs of ours, and our weights, layer by layer: the first free layer
whose weights have the same shape takes them. Outputs are compared in double precision. If they
differ, probes look for a typical mistake: small settings in which one mistake alone shows.
The chapter *Build the three parts yourself* uses this.
"""

from collections.abc import Iterator
from textwrap import fill
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augfpn.detectors.joined import joined_parts
from augfpn.detectors.rebuildable import REBUILDABLE, Builder, Rebuildable

NEARLY_ALL = 0.8  # of its bound: a uniform distribution's largest of some 70 draws or more
NOT_WRITTEN = "not written yet: `forward` returns None"
PARTS_AND_JOINED = REBUILDABLE | {"joined": joined_parts}
MOST_NAMES = 8  # of layers, in a sentence


class Rebuilt(NamedTuple):
    """What a check found: whether all is as in ours, and what to print.

    ``passed`` is None for a class that is not written yet.
    """

    passed: bool | None
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(fill(each, 76, subsequent_indent="  ") for each in self.lines)


def compare_with_ours(part: str, theirs: Builder) -> Rebuilt:
    """Compare a class with our part of this name, or with "joined" ones: `PARTS_AND_JOINED`.

    Raises whatever the class raises.
    """
    told = PARTS_AND_JOINED[part]()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = theirs(*told.small).double()
        if first(*told.inputs[0]) is None:
            return Rebuilt(None, (NOT_WRITTEN,))
        lines: list[str] = []
        for step in (counted, copied, equal, first_weights):
            passed, line = step(told, theirs)
            lines.append(line)
            if not passed:
                return Rebuilt(False, (*lines, "DIFFERS"))
    return Rebuilt(True, (*lines, "PASSED"))


def built(told: Rebuildable, theirs: Builder) -> tuple[nn.Module, nn.Module]:
    """Our part and the reader's, small, in double precision; our biases are not zero."""
    ours, yours = told.ours(*told.small).double(), theirs(*told.small).double()
    for _, layer in layers(ours):
        nn.init.normal_(layer.bias)
    return ours, yours


# --- the steps of a check -------------------------------------------------------------------------


def parameters_at(told: Rebuildable, build: Builder, channels: int) -> int:
    """The number of parameters at the paper's size with so many channels."""
    with torch.device("meta"):
        return sum(q.numel() for q in build(*told.large(channels)).parameters())


def counted(told: Rebuildable, theirs: Builder) -> tuple[bool, str]:
    """Compare numbers of parameters at the paper's size."""
    ours, yours = (parameters_at(told, each, 256) for each in (told.ours, theirs))
    said = f"parameters at C = 256: {yours:,}"
    if yours == ours:
        return True, f"{said}, as in ours"
    fewer = f"{abs(ours - yours):,} {'fewer' if ours > yours else 'more'}"
    return False, f"{said}, {fewer} than in ours{known_difference(told, yours)}"


def known_difference(told: Rebuildable, count: int) -> str:
    """What is wrong with a class of so many parameters, if a typical mistake makes them."""
    *sizes, last = told.large(256)
    with torch.device("meta"):
        ours = told.ours(*sizes, last)
        less = [told.ours(*sizes, last[:-1])] if isinstance(last, tuple) else []
    whole = sum(q.numel() for q in ours.parameters())
    biases = sum(q.numel() for name, q in ours.named_parameters() if name.endswith("bias"))
    mistakes = {
        whole - biases: "the biases are missing",
        4 * whole: "each level has a head of its own",
        **{sum(q.numel() for q in each.parameters()): "a map is missing" for each in less},
    }
    return f": {mistakes[count]}" if count in mistakes else ""


def layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules with weights of their own, and their names."""
    for name, each in module.named_modules():
        if isinstance(each._parameters.get("weight"), Tensor):
            yield name, each


@torch.no_grad()
def copy_weights(ours: nn.Module, theirs: nn.Module) -> dict[str, str | None]:
    """Copy our weights; returns the reader's name of each of our layers, None where none fits."""
    free, names = dict(layers(theirs)), {}
    for name, layer in layers(ours):
        fits = (n for n, each in free.items() if each.weight.shape == layer.weight.shape)
        names[name] = found = next(fits, None)
        if found is not None:
            mine = free.pop(found)
            mine.weight.copy_(layer.weight)
            if mine.bias is not None:
                mine.bias.copy_(layer.bias)
    return names


def copied(told: Rebuildable, theirs: Builder) -> tuple[bool, str]:
    """Say which layer of the reader's takes the weights of which of ours."""
    ours, yours = built(told, theirs)
    names = copy_weights(ours, yours)
    for name, layer in layers(ours):
        if names[name] is None:
            shape = tuple(layer.weight.shape)
            return False, f"weights: no layer of yours has the shape {shape} of our {name}"
    if len(names) > MOST_NAMES:
        return True, f"weights copied: {len(names)} layers"
    return True, "weights copied: " + ", ".join(f"{b} <- {a}" for a, b in names.items())


@torch.no_grad()
def equal(told: Rebuildable, theirs: Builder) -> tuple[bool, str]:
    """Compare outputs; if they differ, look for the mistake."""
    ours, yours = built(told, theirs)
    copy_weights(ours, yours)
    outputs = [(told.named(ours(*each)), told.named(yours(*each))) for each in told.inputs]
    outputs = [(dict(a), dict(b)) for a, b in outputs]
    apart = [name for a, b in outputs for name in a if name not in b or not same(a[name], b[name])]
    if not apart:
        named = (f"{name} {tuple(x.shape)}" for name, x in outputs[0][0].items())
        shapes = f": {', '.join(named)}" if len(outputs[0][0]) > 1 else ""
        return True, f"outputs: equal in double precision{shapes}"
    if told.of_output:
        return False, f"outputs: {apart[0]} differs: {told.of_output.get(apart[0], told.otherwise)}"
    for probe in told.probes:
        ours, yours = built(told, theirs)
        probe.prepare(ours)
        copy_weights(ours, yours)
        a, b = ours(*probe.inputs), yours(*probe.inputs)
        if not same(a, b):
            values = {"ours": f"{a.mean():.3g}", "yours": f"{b.mean():.3g}"}
            return False, "outputs: " + probe.symptom.format(**values)
    return False, f"outputs: {told.otherwise}"


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two outputs are equal up to rounding in double precision."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-12)


def first_weights(told: Rebuildable, theirs: Builder) -> tuple[bool, str]:
    """Look at the weights before training: Xavier uniform with zero biases, or PyTorch's own."""
    if told.xavier is None:
        return True, "first weights: not compared"
    for name, layer in layers(theirs(*told.small)):
        inside = layer.weight[0].numel()
        outside = layer.weight.numel() // layer.weight.shape[1]
        bound = (6 / (inside + outside)) ** 0.5 if told.xavier else inside**-0.5
        largest = layer.weight.abs().max().item()
        if not NEARLY_ALL * bound < largest < 1.001 * bound:
            return False, f"first weights: those of {name} reach {largest:.3f}, not {bound:.3f}"
        if told.xavier and layer.bias.any():
            return False, f"first weights: the biases of {name} do not begin at zero"
    return True, "first weights: drawn as ours"

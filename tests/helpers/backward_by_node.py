"""The backward of a loss, written out over the graph that autograd keeps."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def backward_by_node(loss: Tensor) -> Iterator[str]:
    """As ``loss.backward()``, node by node; before each node, what to call it is yielded.

    Differs: hooks of tensors are not called.
    """
    grads = {loss.grad_fn: {0: torch.ones_like(loss)}}  # of each node, by its output
    for node in from_last_to_first(loss.grad_fn):
        given = grads.pop(node, {})
        yield f"backward of {node.name()}"
        if hasattr(node, "variable"):
            before = node.variable.grad
            node.variable.grad = given[0] if before is None else before + given[0]
            continue
        found = called(node, given)  # may end with gradients of what is no tensor, which are None
        for grad, (after, i) in zip(found, node.next_functions, strict=False):
            if after is not None and grad is not None:
                sums = grads.setdefault(after, {})
                expected = after._input_metadata[i]  # as the engine, after expansion and autocast
                grad = grad.sum_to_size(expected.shape).to(expected.dtype)
                sums[i] = sums[i] + grad if i in sums else grad


@torch.no_grad()
def called(node: Any, given: dict[int, Tensor]) -> tuple[Tensor | None, ...]:
    """The gradients of a node's inputs, from those of its outputs."""
    outputs = [given.get(i) for i in range(len(node._input_metadata))]
    found = getattr(node, "apply", node)(*outputs)  # "apply" is that of a function in Python
    return found if isinstance(found, tuple) else (found,)


def from_last_to_first(root: Any) -> Iterator[Any]:
    """The nodes of a graph, each after all that pass a gradient to it."""
    waiting, stack = {root: 0}, [root]
    while stack:
        for after, _ in stack.pop().next_functions:
            if after is not None:
                if after not in waiting:
                    stack.append(after)
                waiting[after] = waiting.get(after, 0) + 1
    ready = [root]
    while ready:
        node = ready.pop()
        yield node
        for after, _ in node.next_functions:
            if after is not None:
                waiting[after] -= 1
                if not waiting[after]:
                    ready.append(after)

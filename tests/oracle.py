"""The paper's formulas worked out slowly in numpy: what the package's modules are checked against.

Nothing here calls the package or torch's operators; loops and indices only.
"""

import math

import numpy as np

Array = np.ndarray


def conv(x: Array, weight: Array, bias: Array) -> Array:
    """(C, h, w) with an odd square kernel, zero padding of half its size."""
    out, _, side, _ = weight.shape
    half = side // 2
    _, h, w = x.shape
    padded = np.zeros((x.shape[0], h + 2 * half, w + 2 * half))
    padded[:, half : half + h, half : half + w] = x
    y = np.empty((out, h, w))
    for row in range(h):
        for column in range(w):
            window = padded[:, row : row + side, column : column + side]
            y[:, row, column] = (weight * window).sum(axis=(1, 2, 3)) + bias
    return y


def spatial_fusion(maps: list[Array], reduce: tuple, score: tuple) -> Array:
    """Figure 3(a): concatenate, 1x1, (ReLU), 3x3, sigmoid; each gate scales its own map."""
    hidden = np.maximum(conv(np.concatenate(maps), *reduce), 0)
    gates = 1 / (1 + np.exp(-conv(hidden, *score)))
    return sum(gates[i] * x for i, x in enumerate(maps))


def channel_fusion(maps: list[Array], reduce: tuple, expand: tuple) -> Array:
    """Figure 3(b): global maximum, two 1x1 convolutions, sigmoid; a gate for each channel."""
    largest = np.concatenate(maps).max(axis=(1, 2))
    hidden = np.maximum(reduce[0][:, :, 0, 0] @ largest + reduce[1], 0)
    gates = 1 / (1 + np.exp(-(expand[0][:, :, 0, 0] @ hidden + expand[1])))
    channels = len(maps[0])
    return sum(gates[i * channels : (i + 1) * channels, None, None] * x for i, x in enumerate(maps))


def average_pool(x: Array, rows: int, columns: int) -> Array:
    """Bin i of n covers floor(i h / n) up to ceil((i + 1) h / n)."""
    channels, h, w = x.shape
    y = np.empty((channels, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, bottom = math.floor(i * h / rows), math.ceil((i + 1) * h / rows)
            left, right = math.floor(j * w / columns), math.ceil((j + 1) * w / columns)
            y[:, i, j] = x[:, top:bottom, left:right].mean(axis=(1, 2))
    return y


def upsample(x: Array, h: int, w: int) -> Array:
    """Bilinear; the corners of the small map fall on the corners of the large one."""
    rows, columns = x.shape[1:]
    y = np.empty((len(x), h, w))
    for i in range(h):
        for j in range(w):
            at = i * (rows - 1) / max(1, h - 1), j * (columns - 1) / max(1, w - 1)
            y[:, i, j] = interpolate(x, *at)
    return y


def interpolate(x: Array, row: float, column: float) -> Array:
    """The value of (C, h, w) between four places."""
    top, left = math.floor(row), math.floor(column)
    bottom, right = min(top + 1, x.shape[1] - 1), min(left + 1, x.shape[2] - 1)
    down, over = row - top, column - left
    upper = (1 - over) * x[:, top, left] + over * x[:, top, right]
    lower = (1 - over) * x[:, bottom, left] + over * x[:, bottom, right]
    return (1 - down) * upper + down * lower


def roi_align(x: Array, box: tuple[float, float, float, float], size: int, level: int) -> Array:
    """(C, h, w) and x1 y1 x2 y2 in pixels -> (C, size, size): means of 2 x 2 samples a bin."""
    channels, h, w = x.shape
    x1, y1, x2, y2 = (value / 2**level for value in box)
    wide, high = max(x2 - x1, 1.0) / size, max(y2 - y1, 1.0) / size
    y = np.zeros((channels, size, size))
    for i in range(size):
        for j in range(size):
            for a in (0.25, 0.75):
                for b in (0.25, 0.75):
                    row, column = y1 + (i + a) * high, x1 + (j + b) * wide
                    if -1 <= row <= h and -1 <= column <= w:
                        row, column = min(max(row, 0), h - 1), min(max(column, 0), w - 1)
                        y[:, i, j] += interpolate(x, row, column) / 4
    return y


def cross_entropy(logits: Array, labels: Array) -> float:
    """Mean of -log softmax at the label."""
    return float(
        np.mean([np.log(np.exp(row).sum()) - row[k] for row, k in zip(logits, labels, strict=True)])
    )


def smooth_l1(deltas: Array, labels: Array, wanted: Array, beta: float) -> float:
    """Sum over the objects' own four numbers, over all RoIs."""
    total = 0.0
    for row, label, target in zip(deltas, labels, wanted, strict=True):
        if label > 0:
            for miss in np.abs(row[4 * label : 4 * label + 4] - target):
                total += 0.5 * miss**2 / beta if miss < beta else miss - 0.5 * beta
    return total / len(labels)

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


def largest_answer(maps: list[Array], layers: list[tuple]) -> Array:
    """PANet's pooling of one RoI: every level's map through its own layer, the largest kept."""
    answers = [
        [max(float(row @ x.ravel() + b), 0.0) for row, b in zip(weight, bias, strict=True)]
        for x, (weight, bias) in zip(maps, layers, strict=True)
    ]
    return np.array([max(column) for column in zip(*answers, strict=True)])


def anchors(
    rows: int, columns: int, step: tuple[int, int], offset: float, sizes: list, ratios: list
) -> list[list[float]]:
    """x1 y1 x2 y2 of every place's anchors; half sides are rounded. A ratio is height / width."""
    found = []
    for row in range(rows):
        for column in range(columns):
            x, y = column * step[1] + offset, row * step[0] + offset
            for ratio in ratios:
                for size in sizes:
                    a = round(size / math.sqrt(ratio) / 2)
                    b = round(size * math.sqrt(ratio) / 2)
                    found.append([x - a, y - b, x + a, y + b])
    return found


def match(quality: list, high: float, low: float, least: float, reassign: bool) -> list[int]:
    """IoU of objects and anchors (R x A) -> each anchor's object, -1 background, -2 neither."""
    answer = []
    best_objects = []
    for column in zip(*quality, strict=True):
        best = max(range(len(column)), key=lambda i: (column[i], -i))
        best_objects.append(best)
        iou = column[best]
        answer.append(best if iou >= high else -1 if iou < low else -2)
    for i, row in enumerate(quality):
        if reassign and max(row) < least:
            continue
        for a, iou in enumerate(row):
            if iou == max(row) and iou > 0:
                answer[a] = i if reassign else best_objects[a]
    return answer


def assign_point(
    x: float,
    y: float,
    reach: tuple[float, float],
    boxes: list,
    closed: bool,
    radius: float | None,
) -> int:
    """FCOS: the smallest box around a point whose furthest edge is within ``reach``, or -1."""
    answer, smallest = -1, math.inf
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        edges = (x - x1, y - y1, x2 - x, y2 - y)
        furthest = max(edges)
        if min(edges) <= 0:
            continue
        if furthest < reach[0] or furthest > reach[1]:
            continue
        if not closed and furthest in reach:
            continue
        off = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2))
        if radius is not None and off >= radius:
            continue
        area = (x2 - x1) * (y2 - y1)
        if area < smallest:
            answer, smallest = i, area
    return answer


def focal_loss(logits: Array, wanted: Array) -> float:
    """The sum of -a (1 - p)^2 log p, p the probability of what is wanted; a is 1/4 for ones."""
    total = 0.0
    for logit, one in zip(logits.ravel(), wanted.ravel(), strict=True):
        yes = 1 / (1 + math.exp(-logit))
        p, a = (yes, 0.25) if one else (1 - yes, 0.75)
        total -= a * (1 - p) ** 2 * math.log(p)
    return total

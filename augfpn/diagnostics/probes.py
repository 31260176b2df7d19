"""Linear readouts, judged on other pictures than they were fitted on; by scikit-learn."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[np.floating]
Labels = NDArray[np.integer]
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # of a probe's fit: the smaller, the more it is held back
ALPHAS = (1e1, 1e2, 1e3, 1e4, 1e5)  # of a readout's
EXPLAINED = {"multioutput": "variance_weighted"}


def linear_cka(x: Array, y: Array) -> float:
    """How alike two sets of features of the same n things are, from 0 to 1.

    Rotations and a common scale do not count. Shapes: (n, d), (n, e). Source: Kornblith et al.,
    ICML 2019, linear centred kernel alignment: |X'Y|^2 / (|X'X| |Y'Y|), with centred columns.
    """
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / norms) if norms else float("nan")


def halves(pictures: Labels) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Rows to fit on and rows to judge on: every second picture, then the other way round."""
    even = pictures % 2 == 0
    yield even, ~even
    yield ~even, even


def probe(x: Array, labels: Labels, pictures: Labels) -> Pipeline:
    """A linear classifier of features (n, d), as strong as is best on pictures left out."""
    model = LogisticRegression(class_weight="balanced", max_iter=300)
    strengths = {"logisticregression__C": STRENGTHS}
    whole = make_pipeline(StandardScaler(), model)
    return search(whole, strengths, "balanced_accuracy", x, labels, pictures)


def transfer(levels: Sequence[Array], labels: Labels, pictures: Labels) -> Array:
    """Balanced accuracy of a probe that was fitted on one level, i, on another, j: (L, L).

    Each level is brought to mean 0 and deviation 1 by itself, so neither scale nor shift counts.
    Shapes: L x (n, d), (n,), (n,).
    """
    found = np.zeros((2, len(levels), len(levels)))
    for fold, (fit, judge) in enumerate(halves(pictures)):
        standard = [StandardScaler().fit(x[fit]) for x in levels]
        for i, x in enumerate(levels):
            model = probe(x[fit], labels[fit], pictures[fit])[-1]
            for j, (y, scaler) in enumerate(zip(levels, standard, strict=True)):
                answers = model.predict(scaler.transform(y[judge]))
                found[fold, i, j] = balanced_accuracy_score(labels[judge], answers)
    return found.mean(axis=0)


def accuracy(x: Array, labels: Labels, pictures: Labels) -> float:
    """Balanced accuracy with which a linear probe tells classes."""
    return float(transfer([x], labels, pictures)[0, 0])


def explained(x: Array, y: Array, pictures: Labels) -> float:
    """The share of y's variance that a linear readout of x predicts; below 0 if worse than none.

    Shapes: (n, d), (n, e), (n,).
    """
    found = [
        explained_elsewhere((x[fit], y[fit], pictures[fit]), x[judge], y[judge])
        for fit, judge in halves(pictures)
    ]
    return float(np.mean(found))


def explained_elsewhere(fit: tuple[Array, Array, Labels], x: Array, y: Array) -> float:
    """The same for a readout that is fitted on features, values and pictures of its own."""
    score = make_scorer(r2_score, **EXPLAINED)
    model = search(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": ALPHAS}, score, *fit)
    return float(r2_score(y, model.predict(x), **EXPLAINED))


def search(
    model: Pipeline, values: dict, score: object, x: Array, y: Array, pictures: Labels
) -> Pipeline:
    """The model with the value that is best on pictures left out, fitted on all."""
    folds = GroupKFold(min(4, len(np.unique(pictures))))
    found = GridSearchCV(model, values, scoring=score, cv=folds)
    return found.fit(x, y, groups=pictures).best_estimator_

"""Linear probes by scikit-learn, tested on pictures that they were not fitted on."""

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
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # C of logistic regression: smaller regularises more
ALPHAS = (1e1, 1e2, 1e3, 1e4, 1e5)  # of ridge regression: larger regularises more
EXPLAINED = {"multioutput": "variance_weighted"}


def linear_cka(x: Array, y: Array) -> float:
    """The similarity of two sets of features of the same n objects, from 0 to 1.

    Linear centred kernel alignment: |X'Y|^2 / (|X'X| |Y'Y|) with centred columns. It is invariant
    to rotation and to isotropic scaling. Shapes: (n, d), (n, e). Source: Kornblith et al., ICML
    2019.
    """
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / norms) if norms else float("nan")


def halves(pictures: Labels) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Rows to fit on and rows to test on: even pictures and odd ones, then the other way round."""
    even = pictures % 2 == 0
    yield even, ~even
    yield ~even, even


def probe(x: Array, labels: Labels, pictures: Labels) -> Pipeline:
    """A linear classifier of features (n, d); its regularisation is chosen by cross-validation."""
    model = LogisticRegression(class_weight="balanced", max_iter=300)
    strengths = {"logisticregression__C": STRENGTHS}
    whole = make_pipeline(StandardScaler(), model)
    return search(whole, strengths, "balanced_accuracy", x, labels, pictures)


def transfer(levels: Sequence[Array], labels: Labels, pictures: Labels) -> Array:
    """The balanced accuracy of a probe that was fitted on level i and is tested on level j: (L, L).

    Each level is standardised by itself (mean 0, standard deviation 1), so that neither its scale
    nor its shift matters. Shapes: L x (n, d), (n,), (n,).
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
    """The balanced accuracy of a linear probe for classes."""
    return float(transfer([x], labels, pictures)[0, 0])


def explained(x: Array, y: Array, pictures: Labels) -> float:
    """The share of y's variance that ridge regression on x explains: R squared, cross-validated.

    It is below 0 where the prediction is worse than y's mean. Shapes: (n, d), (n, e), (n,).
    """
    found = [
        explained_elsewhere((x[fit], y[fit], pictures[fit]), x[judge], y[judge])
        for fit, judge in halves(pictures)
    ]
    return float(np.mean(found))


def explained_elsewhere(fit: tuple[Array, Array, Labels], x: Array, y: Array) -> float:
    """As `explained`, for a regression fitted on other features, values and pictures (``fit``)."""
    score = make_scorer(r2_score, **EXPLAINED)
    model = search(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": ALPHAS}, score, *fit)
    return float(r2_score(y, model.predict(x), **EXPLAINED))


def search(
    model: Pipeline, values: dict, score: object, x: Array, y: Array, pictures: Labels
) -> Pipeline:
    """The model with the best value by cross-validation over pictures, refitted on all pictures."""
    folds = GroupKFold(min(4, len(np.unique(pictures))))
    found = GridSearchCV(model, values, scoring=score, cv=folds)
    return found.fit(x, y, groups=pictures).best_estimator_

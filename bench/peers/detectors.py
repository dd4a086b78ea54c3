"""Scores of detectors on fixed data, by scikit-learn and SciPy, for src/defenses/detectors/formulas.test.ts.

    python bench/peers/detectors.py bench/peers/fixtures/detectors.json    # committed

Needs numpy, scipy and scikit-learn.
"""

import json
import sys

import numpy as np
from scipy.ndimage import median_filter
from scipy.special import logsumexp, softmax
from sklearn.covariance import ShrunkCovariance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

CLASSES, FEATURES = 3, 6


def draw(rng, count):
    """Three clouds in [0, 1]^6 that share a slanted covariance, in float32 as models see them."""
    labels = np.arange(count) % CLASSES
    slant = np.random.default_rng(1).normal(size=(FEATURES, FEATURES)) * 0.06
    centers = np.random.default_rng(2).uniform(0.3, 0.7, size=(CLASSES, FEATURES))
    rows = centers[labels] + rng.normal(size=(count, FEATURES)) @ slant
    return np.clip(rows, 0, 1).astype(np.float32), labels


def mahalanobis(fit, labels, rows):
    """min_c (x - mu_c)^T S^-1 (x - mu_c) / 2 with S the covariance of the deviations from the class means, and the ridge that we add."""
    fit, rows = fit.astype(float), rows.astype(float)
    means = np.stack([fit[labels == c].mean(0) for c in range(CLASSES)])
    covariance = ShrunkCovariance(shrinkage=1e-6, assume_centered=True).fit(fit - means[labels])
    return np.min([covariance.mahalanobis(rows - mean) / 2 for mean in means], axis=0)


def squeezing(rows, weights, bits, window):
    """max_i |p(x) - p(s_i(x))|_1 for images [N, H, W] and a linear model."""
    p = lambda x: softmax(x.reshape(len(x), -1).astype(float) @ weights.astype(float), axis=1)
    levels = 2**bits - 1
    squeezed = [np.rint(rows * levels) / levels, median_filter(rows, size=(1, window, window), mode="reflect")]
    return np.max([np.abs(p(rows) - p(s)).sum(1) for s in squeezed], axis=0)


rng = np.random.default_rng(0)
fit, labels = draw(rng, 90)
validate, validate_labels = draw(rng, 30)
test, _ = draw(rng, 20)
test[10:] = rng.uniform(size=(10, FEATURES))
weights = rng.normal(size=(FEATURES, CLASSES)).astype(np.float32)
logits = test.astype(float) @ weights.astype(float)

positive = labels == 0
logistic = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(fit.astype(float), positive)

images = rng.uniform(size=(5, 7, 6)).astype(np.float32)
image_weights = (rng.normal(size=(42, CLASSES)) * 2).astype(np.float32)

ranked = rng.integers(0, 6, size=40)  # many ties
truth = rng.uniform(size=40) < 0.4

flat = lambda array: [float(value) for value in np.ravel(array)]
json.dump(
    {
        "fit": flat(fit),
        "labels": [int(label) for label in labels],
        "validate": flat(validate),
        "validateLabels": [int(label) for label in validate_labels],
        "test": flat(test),
        "weights": flat(weights),
        "mahalanobis": flat(mahalanobis(fit, labels, test)),
        "energy": flat(-logsumexp(logits, axis=1)),
        "logistic": {"weights": flat(logistic.coef_), "bias": float(logistic.intercept_[0])},
        "images": flat(images),
        "imageWeights": flat(image_weights),
        "medians": {str(size): flat(median_filter(images, size=(1, size, size), mode="reflect")) for size in (2, 3, 4, 5)},
        "squeezing": flat(squeezing(images, image_weights, bits=1, window=2)),
        "ranking": {
            "positives": [int(v) for v in ranked[truth]],
            "negatives": [int(v) for v in ranked[~truth]],
            "auroc": float(roc_auc_score(truth, ranked)),
        },
    },
    open(sys.argv[1], "w"),
)

"""A random forest by scikit-learn, exported by skl2onnx as its users do (probabilities behind a ZipMap).

    python bench/peers/forest.py ROWS.csv OUT.onnx [--trees 100] [--depth 8] [--seed 0]

ROWS.csv: numbers without a header, the class (0, 1, ...) last. Needs scikit-learn and skl2onnx.
"""
import argparse

import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier


def grow(rows: np.ndarray, trees: int, depth: int, seed: int) -> RandomForestClassifier:
    forest = RandomForestClassifier(trees, max_depth=depth, random_state=seed, n_jobs=1)
    return forest.fit(rows[:, :-1].astype(np.float32), rows[:, -1].astype(np.int64))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("out")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = np.loadtxt(options.rows, delimiter=",", ndmin=2)
    forest = grow(rows, options.trees, options.depth, options.seed)
    model = to_onnx(forest, np.zeros((1, rows.shape[1] - 1), np.float32), target_opset={"": 17, "ai.onnx.ml": 3})
    with open(options.out, "wb") as file:
        file.write(model.SerializeToString())


if __name__ == "__main__":
    main()

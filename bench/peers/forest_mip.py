"""Exact smallest L-inf distances of a random forest, by a mixed-integer program: the fixture of src/attacks/trees/mip.shared-data.test.ts.

    python bench/peers/forest_mip.py ADULT_FOLDER [--rows 50] [--seconds 120] [--trees 100] [--depth 5] [--out bench/peers/fixtures]

The forest learns Adult (32,561 rows; all columns but fnlwgt, categories as codes, everything scaled to 0..1) and is exported by skl2onnx. The program is that of Kantchelian, Tygar
and Joseph (arXiv:1509.07892), built from the exported file: a binary for each threshold of a feature, a number for each leaf. Solved by HiGHS (scipy.optimize.milp) to a gap of 0.
A ball that is known to hold a point of the other class (random search, every point asked of the forest) keeps it small: thresholds beyond it are fixed.
Rows are drawn until so many are proved; those that take longer are counted (`givenUp`). Written are positions of rows in adult-test.csv.gz, how columns are scaled, and distances: no data. Needs numpy, scipy, onnx, onnxruntime, scikit-learn, skl2onnx.
"""
import argparse
import gzip
import hashlib
import json
import multiprocessing
import pathlib

import numpy as np
import onnx
import onnxruntime
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix
from skl2onnx import to_onnx

from forest import grow

NUMBERS = {0: (17, 90), 4: (1, 16), 10: (0, 99999), 11: (0, 4356), 12: (1, 99)}
WEIGHT = 2  # fnlwgt
LABEL = 14
# A point counts where the other class leads by more than rounding.
LEAD = 1e-6


def read(path: pathlib.Path) -> list[list[str]]:
    lines = gzip.open(path, "rt").read().splitlines()
    return [[cell.strip().rstrip(".") for cell in line.split(",")] for line in lines if line.count(",") == LABEL]


def scales(records: list[list[str]]) -> list[dict]:
    columns = []
    for index in range(LABEL):
        if index in NUMBERS:
            low, high = NUMBERS[index]
            columns.append({"column": index, "low": low, "high": high})
        elif index != WEIGHT:
            columns.append({"column": index, "values": sorted({record[index] for record in records})})
    return columns


def encode(records: list[list[str]], columns: list[dict]) -> np.ndarray:
    def cell(record: list[str], column: dict) -> float:
        text = record[column["column"]]
        if "values" in column:
            return column["values"].index(text) / (len(column["values"]) - 1)
        return (float(text) - column["low"]) / (column["high"] - column["low"])

    return np.array([[cell(record, column) for column in columns] for record in records]).astype(np.float32)


class Forest:
    """Leaves of the exported file: of each the box of a feature -> (above, at most), and how far it moves class 1 ahead of class 0."""

    def __init__(self, model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "TreeEnsembleClassifier")
        a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
        assert set(a["nodes_modes"]) <= {b"BRANCH_LEQ", b"LEAF"}
        keys = list(zip(a["nodes_treeids"], a["nodes_nodeids"]))
        place = {key: i for i, key in enumerate(keys)}
        gain = np.zeros(len(keys))
        one_score = len(set(a["class_ids"])) == 1
        for tree, leaf, target, weight in zip(a["class_treeids"], a["class_nodeids"], a["class_ids"], a["class_weights"]):
            # One weight for class 1 alone is a share: twice it, less a half of what all trees give, leads.
            gain[place[tree, leaf]] += 2 * weight if one_score else (weight if target == 1 else -weight)
        self.base = -1.0 if one_score else 0.0
        self.trees: list[list[tuple[dict, float]]] = []
        for tree in sorted(set(a["nodes_treeids"])):
            leaves: list[tuple[dict, float]] = []
            stack: list[tuple[int, dict]] = [(place[tree, 0], {})]
            while stack:
                at, box = stack.pop()
                if a["nodes_modes"][at] == b"LEAF":
                    leaves.append((box, gain[at]))
                    continue
                f, t = a["nodes_featureids"][at], a["nodes_values"][at]
                above, most = box.get(f, (-np.inf, np.inf))
                if t > above:
                    stack.append((place[tree, a["nodes_truenodeids"][at]], {**box, f: (above, min(most, t))}))
                if t < most:
                    stack.append((place[tree, a["nodes_falsenodeids"][at]], {**box, f: (max(above, t), most)}))
            self.trees.append(leaves)
        self.thresholds = [
            sorted({t for leaves in self.trees for box, _ in leaves for t in box.get(f, ()) if 0 <= t < 1})
            for f in range(1 + max(a["nodes_featureids"]))
        ]


def upper_bound(predict, x: np.ndarray, label: int, rng: np.random.Generator) -> float:
    """The size of a ball that holds a point of the other class, by sampling smaller and smaller ones; inf if none is found."""
    bound, radius = np.inf, 1.0
    for _ in range(60):
        points = np.clip(x + radius * rng.choice([-1, 0, 1], (4000, len(x)), p=[0.4, 0.2, 0.4]), 0, 1)
        points = np.where(rng.random(points.shape) < 0.5, points, np.clip(x + rng.uniform(-radius, radius, points.shape), 0, 1))
        points = points.astype(np.float32)
        others = points[predict(points) != label]
        if len(others) > 0:
            bound = min(bound, float(np.abs(others - x).max(axis=1).min()))
            radius = 0.85 * bound
        else:
            radius *= 1.08
        if np.isfinite(bound) and radius > bound:
            break
    return bound


def smallest(forest: Forest, x: np.ndarray, label: int, bound: float, seconds: float) -> float | None:
    """Minimal eps such that some point of [x - eps, x + eps] within 0..1 has the other class; None where that was not proved in time."""
    columns: dict[tuple[int, float], int] = {}
    count = 1  # variable 0 is eps
    for f, own in enumerate(forest.thresholds):
        for t in own:
            if abs(x[f] - t) <= bound + 1e-6:
                columns[f, t] = count
                count += 1
    binaries = count
    rows: list[tuple[dict[int, float], float, float]] = []
    # p[f, t] = 1: at most t. Larger thresholds follow smaller ones.
    for f, own in enumerate(forest.thresholds):
        free = [t for t in own if (f, t) in columns]
        for small, large in zip(free, free[1:]):
            rows.append(({columns[f, large]: 1, columns[f, small]: -1}, 0, np.inf))
        for t in free:
            p = columns[f, t]
            distance = abs(float(x[f]) - t)
            # Where it leaves its own side, eps is the distance at least.
            if x[f] <= t:
                rows.append(({0: 1, p: distance}, distance, np.inf))
            else:
                rows.append(({0: 1, p: -distance}, 0, np.inf))
    sign = 1 if label == 0 else -1
    total: dict[int, float] = {}
    for leaves in forest.trees:
        here = []
        for box, gain in leaves:
            reachable = True
            sides = []
            for f, (above, most) in box.items():
                for t, wanted in ((above, 0), (most, 1)):
                    if (f, t) in columns:
                        sides.append((columns[f, t], wanted))
                    elif np.isfinite(t) and int(x[f] <= t) != wanted:
                        reachable = False
            if not reachable:
                continue
            leaf = count
            count += 1
            here.append(leaf)
            total[leaf] = sign * gain
            for p, wanted in sides:
                rows.append(({leaf: 1, p: -1}, -np.inf, 0) if wanted else ({leaf: 1, p: 1}, -np.inf, 1))
        rows.append(({leaf: 1 for leaf in here}, 1, 1))
    rows.append((total, LEAD - sign * forest.base, np.inf))
    matrix = lil_matrix((len(rows), count))
    for i, (terms, _, _) in enumerate(rows):
        for j, value in terms.items():
            matrix[i, j] = value
    cost = np.zeros(count)
    cost[0] = 1
    integrality = np.array([0] + [1] * (binaries - 1) + [0] * (count - binaries))
    upper = np.ones(count)
    upper[0] = bound + 1e-6
    found = milp(
        cost,
        constraints=LinearConstraint(matrix.tocsr(), [low for _, low, _ in rows], [high for _, _, high in rows]),
        integrality=integrality,
        bounds=Bounds(np.zeros(count), upper),
        options={"mip_rel_gap": 0, "time_limit": seconds},
    )
    assert found.status in (0, 1), found.message
    return float(found.fun) if found.status == 0 else None


def _put(queue, *what) -> None:
    queue.put(smallest(*what))


def within(seconds: float, *what) -> float | None:
    """`smallest` in a process of its own: HiGHS does not always keep its time limit."""
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=_put, args=(queue, *what, seconds))
    process.start()
    process.join(1.5 * seconds)
    if process.is_alive():
        process.kill()
        return None
    return queue.get()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120, help="for each row")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "fixtures")
    options = parser.parse_args()
    training = read(options.folder / "adult-train.csv.gz")
    columns = scales(training)
    labels = [int(record[LABEL] == ">50K") for record in training]
    forest = grow(np.column_stack([encode(training, columns), labels]), options.trees, options.depth, 0)
    zeros = np.zeros((1, len(columns)), np.float32)
    model = to_onnx(forest, zeros, target_opset={"": 17, "ai.onnx.ml": 3}, options={"zipmap": False})
    data = model.SerializeToString()
    (options.out / "adult-forest.onnx").write_bytes(data)
    session = onnxruntime.InferenceSession(data)
    predict = lambda points: session.run(["label"], {session.get_inputs()[0].name: points})[0]
    test = read(options.folder / "adult-test.csv.gz")
    points = encode(test, columns)
    truth = np.array([int(record[LABEL] == ">50K") for record in test])
    right = predict(points) == truth
    print(f"{right.mean():.4f} of {len(test)} rows right, {len(data)} bytes")
    rng = np.random.default_rng(0)
    program = Forest(model)
    proved: dict[int, float] = {}
    given_up: list[int] = []
    # As many of each class.
    for label in (0, 1):
        left = options.rows // 2
        for row in map(int, rng.permutation(np.flatnonzero(right & (truth == label)))):
            if left == 0:
                break
            bound = upper_bound(predict, points[row], label, rng)
            assert np.isfinite(bound)
            distance = within(options.seconds, program, points[row], label, bound)
            print(row, label, bound, distance, flush=True)
            if distance is None:
                given_up.append(row)
            else:
                proved[row] = distance
                left -= 1
    fixture = {
        "model": hashlib.sha256(data).hexdigest(),
        "accuracy": {"right": int(right.sum()), "of": len(test)},
        "columns": columns,
        "rows": list(proved),
        "labels": [int(truth[row]) for row in proved],
        "linf": list(proved.values()),
        "givenUp": given_up,
    }
    (options.out / "adult-forest.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()

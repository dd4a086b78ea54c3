#!/usr/bin/env python3
"""Foolbox's pointwise attack on given starts: what `bench/minimize.mjs` is compared with.

pointwise.py MODEL.onnx STARTS.npz OUT.npz LOW HIGH LAYOUT
STARTS holds clean and wrong [N, H, W, C] in 0..1 and label [N]. Each sample runs alone, so that a query is a row. Its first stage only (values are put
back, one by one, in random order, until none can be); twice: on single values, as it is written, and on pixels (the same code, on a mask of pixels).
Python packages: numpy, onnxruntime, foolbox, eagerpy.
"""
import sys
import eagerpy as ep
import foolbox as fb
import numpy as np
import onnxruntime as ort

model, starts, out, low, high, layout = sys.argv[1:7]
low, high = float(low), float(high)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
port = session.get_inputs()[0]
count = [0]


def scores(images):  # [N, H, W, C] in 0..1
    count[0] += len(images)
    rows = (low + (high - low) * images).astype(np.float32)
    if layout == "nchw":
        rows = rows.transpose(0, 3, 1, 2)
    return np.concatenate([session.run(None, {port.name: row[None]})[0] for row in np.ascontiguousarray(rows)])


class Asked(fb.models.Model):
    def __init__(self, of):
        self.of = of

    @property
    def bounds(self):
        return fb.types.Bounds(0, 1)

    def __call__(self, inputs):
        x, restore = ep.astensor_(inputs)
        return restore(ep.astensor(self.of(x.numpy())))


data = np.load(starts)
clean, wrong, label = data["clean"].astype(np.float64), data["wrong"].astype(np.float64), data["label"]
results = {}
for unit in ("values", "pixels"):
    points, queries = [], []
    for i in range(len(clean)):
        np.random.seed(i)
        x, start = clean[i : i + 1], wrong[i : i + 1]
        criterion = fb.criteria.Misclassification(ep.astensor(label[i : i + 1]))
        attack = fb.attacks.PointwiseAttack(l2_binary_search=False)
        count[0] = 0
        if unit == "values":
            point = attack.run(Asked(scores), ep.astensor(x), criterion, starting_points=ep.astensor(start)).numpy()
        else:
            changed = (x != start).any(axis=3, keepdims=True).astype(np.float64)
            of = lambda mask: scores(x + mask * (start - x))
            mask = attack.run(Asked(of), ep.astensor(0 * changed), criterion, starting_points=ep.astensor(changed))
            point = x + mask.numpy() * (start - x)
        points.append(point[0])
        queries.append(count[0])
    results[unit], results[f"{unit}_queries"] = np.array(points, np.float32), np.array(queries, np.float32)
np.savez(out, **results)

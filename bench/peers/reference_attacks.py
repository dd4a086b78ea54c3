#!/usr/bin/env python
"""Makes fixtures/reference-attacks.json: what the authors' RayS and adversarial-library's sigma-zero ask of a small net, query by query.

    python bench/peers/reference_attacks.py PATH_TO_RAYS

PATH_TO_RAYS is a checkout of github.com/uclaml/RayS (commit 0a2d81b). Both attacks are deterministic. Of each point that is asked about the
fixture keeps its norm and its product with a fixed vector; the tests hold ours to the same points in the same order.
"""
import json, pathlib, sys, types
import numpy as np
import torch
from adv_lib.attacks import sigma_zero

torch.Tensor.cuda = lambda self, *_: self  # the authors' code asks for a GPU
sys.modules['pgbar'] = types.SimpleNamespace(progress_bar=lambda *_: None)  # theirs wants a terminal
sys.path.insert(0, sys.argv[1])
import RayS as authors

CHANNELS, SIDE, CLASSES, HIDDEN, SAMPLES, QUERIES, STEPS = 3, 4, 4, 12, 4, 150, 120
SIZE = CHANNELS * SIDE * SIDE
draw = np.random.default_rng(7)
rounded = lambda values: np.round(values, 4).astype(np.float64)
W1, b1 = rounded(draw.normal(size=(HIDDEN, SIZE)) * .5), rounded(draw.normal(size=HIDDEN) * .3)
W2, b2 = rounded(draw.normal(size=(CLASSES, HIDDEN))), rounded(draw.normal(size=CLASSES) * .1)
probe = rounded(draw.normal(size=SIZE))
points = rounded(draw.uniform(.05, .95, size=(SAMPLES, SIZE)))  # height, width, channel

w1, c1, w2, c2, v = (torch.tensor(a) for a in (W1, b1, W2, b2, probe))
hwc = lambda x: x.permute(0, 2, 3, 1).flatten(1)
asked = []


def net(x):
    rows = hwc(x)
    asked.append(rows.detach().clone())
    return torch.tanh(rows @ w1.T + c1) @ w2.T + c2


class Labels:
    predict_label = staticmethod(lambda x: net(x).argmax(1))


images = torch.tensor(points).reshape(SAMPLES, SIDE, SIDE, CHANNELS).permute(0, 3, 1, 2).contiguous()
labels = net(images).argmax(1)
trace = dict(rays=[], sigmaZero=[])
for i in range(SAMPLES):
    x, y, x0 = images[i:i + 1], labels[i:i + 1], torch.tensor(points[i])
    asked.clear()
    authors.RayS(Labels(), epsilon=0.)(x, y, query_limit=QUERIES)
    trace['rays'].append([[round(float((row[0] - x0).abs().max()), 6), round(float(row[0] @ v), 5)] for row in asked[:QUERIES]])
    asked.clear()
    sigma_zero(net, x, y, num_steps=STEPS)
    trace['sigmaZero'].append([[int((row[0] - x0).ne(0).sum()), round(float(row[0] @ v), 5)] for row in asked])

out = pathlib.Path(__file__).parent / 'fixtures' / 'reference-attacks.json'
out.write_text(json.dumps(dict(
    made_by='bench/peers/reference_attacks.py', dims=[SIDE, SIDE, CHANNELS], probe=probe.tolist(),
    net=dict(inputs=SIZE, classes=CLASSES, hidden=dict(weights=W1.flatten().tolist(), bias=b1.tolist()), weights=W2.flatten().tolist(), bias=b2.tolist()),
    points=points.tolist(), labels=labels.tolist(), **trace), separators=(',', ':')) + '\n')
print(out, out.stat().st_size, 'bytes')

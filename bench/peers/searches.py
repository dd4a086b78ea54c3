"""Minimum-norm, score and label attacks of others, for server.py's command `search`. Samples are all classified correctly.

Each returns the adversarial points (the clean one where nothing was found) and, where it counts them, the queries of each sample.
`source`: a checkout of the authors' repository (github.com/fra31/sparse-rs at 055efff, github.com/uclaml/RayS at 0a2d81b).
"""
import sys, types
import numpy as np
import torch


def sigma_zero(net, x, y, steps, **_):
    import adv_lib.attacks
    return adv_lib.attacks.sigma_zero(net, x, y, num_steps=steps), None


def fmn_l0(net, x, y, steps, **_):
    import adv_lib.attacks
    return adv_lib.attacks.fmn(net, x, y, norm=0, steps=steps), None


def vfga(net, x, y, **_):
    import adv_lib.attacks
    return adv_lib.attacks.vfga(net, x, y, targeted=False), None


def jsma(net, x, y, **_):
    from art.attacks.evasion import SaliencyMapMethod
    from art.estimators.classification import PyTorchClassifier
    classifier = PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), tuple(x.shape[1:]), 10, clip_values=(0., 1.), device_type="cpu")
    return torch.from_numpy(SaliencyMapMethod(classifier, batch_size=len(x), verbose=False).generate(x=x.numpy())), None


def sparse_rs(net, x, y, queries, pixels, source, **_):
    sys.path.insert(0, source)
    import rs_attacks
    attack = rs_attacks.RSAttack(net, norm="L0", eps=pixels, n_queries=queries, alpha_init=.3, device="cpu")
    used, points = attack.perturb(x, y)
    return points, used


def rays(net, x, y, queries, eps, source, **_):
    sys.modules["pgbar"] = types.SimpleNamespace(progress_bar=lambda *_: None)  # theirs wants a terminal
    torch.Tensor.cuda = lambda self, *_: self  # and a GPU
    sys.path.insert(0, source)
    import RayS as authors

    class Labels:
        @staticmethod
        def predict_label(rows):
            with torch.no_grad():
                return net(rows).argmax(1)

    points, used, _, _ = authors.RayS(Labels(), epsilon=eps)(x, y, query_limit=queries)
    return points, used


class BudgetSpent(Exception):
    pass


def counted(net, clean, label, budget, eps):
    """The net, for one sample: keeps the nearest adversarial row in L-inf, counts rows, and stops at the budget."""
    seen = types.SimpleNamespace(rows=0, best=clean.clone(), distance=np.inf, first=None)

    class Counted(torch.nn.Module):
        def forward(self, rows):
            rows = rows.float()[:max(budget - seen.rows, 0)]
            if len(rows) == 0:
                raise BudgetSpent
            with torch.no_grad():
                scores = net(rows)
            distance = (rows - clean).abs().flatten(1).amax(1)
            distance[scores.argmax(1).eq(label) | (rows < 0).flatten(1).any(1) | (rows > 1).flatten(1).any(1)] = np.inf
            inside = torch.nonzero(distance <= eps + 1e-6).flatten()
            if seen.first is None and len(inside) > 0:
                seen.first = seen.rows + int(inside[0]) + 1
            if float(distance.min()) < seen.distance:
                seen.distance, seen.best = float(distance.min()), rows[distance.argmin()].clone()[None]
            seen.rows += len(rows)
            if seen.rows >= budget:
                raise BudgetSpent
            return scores
    return Counted().eval(), seen


def one_by_one(net, x, y, queries, eps, attack):
    points, used = [], []
    for i in range(len(x)):
        model, seen = counted(net, x[i:i + 1], y[i], queries, eps)
        try:
            attack(model, x[i:i + 1], y[i:i + 1])
        except BudgetSpent:
            pass
        points.append(seen.best)
        used.append(queries + 1 if seen.first is None else seen.first)
    return torch.cat(points), torch.tensor(used)


def hsj_foolbox(net, x, y, queries, eps, **_):
    import foolbox

    def attack(model, xb, yb):
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        criterion = foolbox.criteria.Misclassification(yb)
        foolbox.attacks.HopSkipJumpAttack(constraint="linf")(wrapped, xb, criterion, epsilons=None)
    return one_by_one(net, x, y, queries, eps, attack)


def hsj_art(net, x, y, queries, eps, **_):
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import PyTorchClassifier

    def attack(model, xb, yb):
        classifier = PyTorchClassifier(model, torch.nn.CrossEntropyLoss(), tuple(xb.shape[1:]), 10, clip_values=(0., 1.), device_type="cpu")
        HopSkipJump(classifier, norm=np.inf, batch_size=64, verbose=False).generate(x=xb.numpy())
    return one_by_one(net, x, y, queries, eps, attack)


ATTACKS = {"sigma-zero": sigma_zero, "fmn-l0": fmn_l0, "vfga": vfga, "jsma": jsma, "sparse-rs": sparse_rs, "rays": rays,
           "hsj-foolbox": hsj_foolbox, "hsj-art": hsj_art}


def search(state, attack, out, **settings):
    torch.manual_seed(0)
    np.random.seed(0)
    points, queries = ATTACKS[attack](state["net"], state["x"], state["y"], **settings)
    np.save(out, points.detach().float().numpy())
    return dict(queries=None if queries is None else [int(used) for used in queries])

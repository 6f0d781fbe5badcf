#!/usr/bin/env python3
"""How often the bound of `qconvert evaluate` holds for draws of samples of trained models with data.

    agreement_coverage.py QCONVERT TASKS.py NAME=QUANTIZED.onnx...

TASKS.py has TASKS: classes with a name, model_file() and samples("eval"), which yields dicts from input to array. Of each
model the agreement over all of its samples (at most 1000) is taken for the truth; then 2000 draws of 20, 60 and 200 of them are
told a bound each. A bound of 95 % has to be no greater than the truth in 95 % of the draws or more; 1 % less is what 2000
draws may show by chance. The bound is computed here (Clopper and Pearson's) and compared with what the program tells of all
samples. Exits 1 where a model has less coverage.
"""
import functools
import importlib.util
import json
import math
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

MOST = 1000
DRAWS = 2000
BY_CHANCE = 1


@functools.cache
def bound(disagree, count):
    """The rate at which so few of `count` disagree with probability 5 %."""
    low, high = disagree / count, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        chance = sum(math.comb(count, k) * rate**k * (1 - rate) ** (count - k) for k in range(disagree + 1))
        low, high = (rate, high) if chance > 0.05 else (low, rate)
    return high


def agreements(qconvert, task, quantized):
    """1 for every sample on which both models agree, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        feeds = list(task.samples("eval"))
        picks = np.linspace(0, len(feeds) - 1, min(len(feeds), MOST)).round().astype(int)
        for i, k in enumerate(picks):
            np.savez(os.path.join(folder, "%04d.npz" % i), **feeds[k])
        command = [qconvert, "evaluate", task.model_file(), quantized, "--data", folder, "-q", "--task", "classification"]
        told = json.loads(subprocess.run(command + ["--worst", str(MOST), "--json", "-"], check=True,
                                         stdout=subprocess.PIPE).stdout)
    agree = [int(sample["agrees"]) for sample in told["worst"]]
    assert len(agree) == len(picks), "the program tells of %d samples" % len(agree)
    own = 1 - bound(len(agree) - sum(agree), len(agree)) if sum(agree) else 0
    assert abs(own - told["agreement"]["at_least"]) < 1e-6, "the program has another bound: %s" % told["agreement"]
    return agree


def main(qconvert, tasks_file, pairs):
    sys.path.insert(0, os.path.dirname(os.path.abspath(tasks_file)))
    spec = importlib.util.spec_from_file_location("tasks", tasks_file)
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    by_name = {task.name: task for task in tasks.TASKS}
    draw = random.Random(1)
    failed = False
    print("%-28s %8s %10s   covered of %d draws of 20, 60, 200 samples" % ("model", "samples", "agree %", DRAWS))
    for pair in pairs:
        name, quantized = pair.split("=", 1)
        agree = agreements(qconvert, by_name[name](), quantized)
        truth = sum(agree) / len(agree)
        covered = []
        for size in (20, 60, 200):
            held = [1 - bound(size - sum(draw.choices(agree, k=size)), size) <= truth for _ in range(DRAWS)]
            covered.append(100 * sum(held) / DRAWS)
        failed = failed or min(covered) < 95 - BY_CHANCE
        print("%-28s %8d %10.3f   %s" % (name, len(agree), 100 * truth, "  ".join("%5.1f %%" % c for c in covered)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))

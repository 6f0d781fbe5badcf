"""Converts models with every way to round weights and prints one table: metric, SQNR, processor seconds, peak memory.

    tools/learning_table.py QCONVERT MODELS CALIB [--score COMMAND] [--only REGEX] [--numbers REGEX] [--ways REGEX]

MODELS/NAME/model.onnx is converted with the samples of CALIB/NAME (or CALIB/NAME/NAME), all of it to integers, and whatever comes
out is kept. COMMAND is run with the model's name and the file behind it and prints one JSON line, whose first number is the metric.
SQNR is that of the worst output on the judged samples. --only takes models, --numbers and --ways columns of the table below.
"""
import argparse
import json
import os
import re
import sys
import tempfile

from target_table import samples_of, score, worst_sqnr

NUMBERS = {
    "W8A8": [],
    "W8A8 per tensor": ["--set=weights.per_channel=false"],
    "W4A8 per channel": ["--set=weights.bit_width=4"],
    "W4A8 block": ["--set=weights.bit_width=4", "--set=weights.block_size=32"],
}
SECOND_ORDER = ["--set=include_bias_corr=true", "--set=second_order_rounding=true"]
LEARNED = [*SECOND_ORDER, "--set=include_fast_ft=true", "--set=fast_finetune.num_iterations=500"]
ADAROUND = [*LEARNED, "--set=fast_finetune.algorithm=adaround"]
WAYS = {
    "nearest": ["--effort=fast"],
    "second order": SECOND_ORDER,
    "AdaRound": ADAROUND,
    "AdaQuant": [*LEARNED, "--set=fast_finetune.algorithm=adaquant"],
    "AdaRound in blocks": [*ADAROUND, "--set=fast_finetune.reconstruction=block"],
    "second order and clipping": [*SECOND_ORDER, "--set=learned_clipping=true"],
    "AdaRound and clipping": [*ADAROUND, "--set=learned_clipping=true"],
    "AdaRound in blocks and clipping": [*ADAROUND, "--set=fast_finetune.reconstruction=block", "--set=learned_clipping=true"],
}


def measured(command):
    """Exit code, what it said, processor seconds and peak MB of it and all that it started."""
    with tempfile.TemporaryFile("w+") as said:
        child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1),
                                                                              (os.POSIX_SPAWN_DUP2, said.fileno(), 2)])
        _, status, used = os.wait4(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read(), used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def row(args, name, work, numbers, way):
    model = os.path.join(args.models, name, "model.onnx")
    out = os.path.join(work, "out.onnx")
    verdict = out + ".json"
    code, said, seconds, peak = measured([args.qconvert, model, "--calib", samples_of(args.calib, name), "-o", out, "--json", verdict,
                                          "--scheme=static", "--guard-reports", *NUMBERS[numbers], *WAYS[way]])
    if code != 0:
        return f"exit {code}: {(said.strip().splitlines() or ['no message'])[-1]} | | |"
    with open(verdict, encoding="utf-8") as file:
        noise = worst_sqnr(json.load(file))
    return f"{score(args.score, name, out) if args.score else '-'} | {noise} | {seconds:.1f} | {peak} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("qconvert", "models", "calib"):
        parser.add_argument(name)
    for name in ("--score", "--only", "--numbers", "--ways"):
        parser.add_argument(name, default="")
    args = parser.parse_args()
    print("| model | numbers | weights | metric | SQNR | processor s | MB |\n|---|---|---|---|---|---|---|", flush=True)
    for name in sorted(os.listdir(args.models)):
        model = os.path.join(args.models, name, "model.onnx")
        if not re.search(args.only, name) or not os.path.exists(model):
            continue
        if args.score:
            print(f"| {name} | float | | {score(args.score, name, model)} | | | |", flush=True)
        for numbers in NUMBERS:
            for way in WAYS:
                if not re.search(args.numbers, numbers) or not re.search(args.ways, way):
                    continue
                with tempfile.TemporaryDirectory() as work:
                    print(f"| {name} | {numbers} | {way} | {row(args, name, work, numbers, way)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

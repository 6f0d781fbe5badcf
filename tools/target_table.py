"""Converts models for every target and number type and prints one table: metric, size, and the CPU's latency.

    tools/target_table.py QCONVERT MODELS CALIB [--score COMMAND] [--only REGEX] [--variants REGEX] [--latency FILE...]

MODELS/NAME/model.onnx is converted with the samples of CALIB/NAME (or CALIB/NAME/NAME). COMMAND is run with the model's name
and the file behind it and prints one JSON line, whose first number is the metric; without it the metric is the worst output's
SQNR in dB. Latency is that of the CPU's two files in one run of `qconvert bench`, runs side by side, against the float model;
files of other tools join in as CALIB/NAME.FILE. --only takes models, --variants rows of each. The processor stands above the table.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "configs")
WIDE = [f"--set={tensor}.bit_width=16" for tensor in ("activation", "input")]


def preset(name, *more):
    return ["--config", os.path.join(CONFIGS, name + ".yaml"), *more]


VARIANTS = {
    "CPU any": [],
    "CPU host": ["--set=processor=host"],
    "DPU power-of-two": preset("vitis_dpu"),
    "BPU int8": ["--set=target_device=BPU"],
    "BPU int16": ["--set=target_device=BPU", *WIDE],
    "TensorRT int8": preset("tensorrt"),
    "TensorRT int8 + fp16": preset("tensorrt", "--set=float_type=float16"),
    "QNN 8": preset("qnn"),
    "QNN 16": preset("qnn", *WIDE),
    "W4A8 per channel": ["--scheme=static", "--set=weights.bit_width=4", "--set=weights.per_channel=true"],
    "bf16": preset("vitis_bfloat16"),
    "mixed bf16 / int8": preset("vitis_mixed_bfloat16"),
}


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def samples_of(calib, name):
    inner = os.path.join(calib, name, name)
    return inner if os.path.isdir(inner) else os.path.join(calib, name)


def worst_sqnr(report):
    values = [output["sqnr_db"] for output in report.get("outputs", []) if output.get("sqnr_db") is not None]
    return f"{min(values):.1f} dB" if values else "-"


def score(command, name, file):
    """The first number of the JSON line; "-" where there is none."""
    done = run([*command.split(), name, file])
    try:
        numbers = [v for v in json.loads(done.stdout.strip().splitlines()[-1]).values() if isinstance(v, (int, float))]
    except (ValueError, IndexError, AttributeError):
        return "-"
    return f"{numbers[0]:.4g}" if numbers else "-"


def convert(args, name, work, variant, extra):
    """One row; the file, or None with what the program said."""
    model = os.path.join(args.models, name, "model.onnx")
    out = os.path.join(work, re.sub(r"\W+", "_", f"{name}_{variant}") + ".onnx")
    verdict = out + ".json"
    done = run([args.qconvert, model, "--calib", samples_of(args.calib, name), "-o", out, "--json", verdict, *extra])
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return None, f"exit {done.returncode}: {lines[-1]}"
    with open(verdict, encoding="utf-8") as file:
        report = json.load(file)
    metric = score(args.score, name, out) if args.score else worst_sqnr(report)
    return out, f"{metric} | {os.path.getsize(out) / os.path.getsize(model):.2f}"


def latencies(args, name, files):
    model = os.path.join(args.models, name, "model.onnx")
    done = run([args.qconvert, "bench", model, *files.values(), "--json", "-", "--top", "0"])
    if done.returncode != 0:
        return {}
    rows = json.loads(done.stdout)["models"]
    return {label: row["ratio"]["median"] for label, row in zip(files, rows[1:])}


def table_of(args, name, work):
    files, rows = {}, {}
    for variant, extra in VARIANTS.items():
        if not re.search(args.variants, variant):
            continue
        file, rows[variant] = convert(args, name, work, variant, extra)
        if file is not None and variant.startswith("CPU"):
            files[variant] = file
    for other in args.latency:
        path = os.path.join(args.calib, f"{name}.{other}")
        if os.path.exists(path):
            files[other] = path
            size = os.path.getsize(path) / os.path.getsize(os.path.join(args.models, name, "model.onnx"))
            rows[other] = f"{score(args.score, name, path) if args.score else '-'} | {size:.2f}"
    ratios = latencies(args, name, files)
    if args.score:
        print(f"| {name} | float | {score(args.score, name, os.path.join(args.models, name, 'model.onnx'))} | 1.00 | 1.00 |")
    for variant, row in rows.items():
        ratio = ratios.get(variant)
        print(f"| {name} | {variant} | {row} | {'' if ratio is None else f'{ratio:.2f}'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qconvert")
    parser.add_argument("models")
    parser.add_argument("calib")
    parser.add_argument("--score", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--variants", default="")
    parser.add_argument("--latency", nargs="*", default=[])
    args = parser.parse_args()
    processor = re.search(r"Model name:\s*(.*)", run(["lscpu"]).stdout)
    print(f"Processor: {processor.group(1) if processor else 'unknown'}\n")
    print("| model | numbers | metric | size / float | latency / float |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for name in sorted(os.listdir(args.models)):
            if re.search(args.only, name) and os.path.exists(os.path.join(args.models, name, "model.onnx")):
                table_of(args, name, work)
    return 0


if __name__ == "__main__":
    sys.exit(main())

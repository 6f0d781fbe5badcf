"""Whole conversions side by side: qconvert and ONNX Runtime's own Python tool, same model, samples and method.

whole_runs.py QCONVERT WORK_DIR MODEL_DIR...      a MODEL_DIR holds model.onnx and calib/*.npy

Seconds and peak memory (largest resident set) of each process; the two take turns, the median of RUNS counts.
Then the memory of calibration for 16 and 256 samples.
"""
import os
import statistics
import sys
import time

RUNS = int(os.environ.get("RUNS", "3"))
METHODS = [("maxmin", "MinMax"), ("entropy", "Entropy"), ("percentile", "Percentile")]


def measure(command, log):
    """Seconds and megabytes of one process; None when it fails."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        return None
    return time.monotonic() - start, usage.ru_maxrss / 1024


def median(results):
    if any(r is None for r in results):
        return None
    return tuple(statistics.median(column) for column in zip(*results))


def shown(result):
    return "fails" if result is None else f"{result[0]:.2f} s, {result[1]:.0f} MB"


def compare(qconvert, work, folder):
    here = os.path.dirname(os.path.abspath(__file__))
    model, calib = os.path.join(folder, "model.onnx"), os.path.join(folder, "calib")
    name = os.path.basename(os.path.normpath(folder))
    for ours, theirs in METHODS:
        out = os.path.join(work, f"{name}_{ours}")
        fast = [qconvert, model, "--calib", calib, "-q", "--scheme", "static", "--no-guard", "-o", out + ".onnx",
                "--set", f"activation.method={ours}", "--set", "weights.method=maxmin"]
        tool = [sys.executable, os.path.join(here, "onnxruntime_tool.py"), model, calib, theirs, out + "_tool.onnx"]
        pairs = [(measure(fast, out + ".log"), measure(tool, out + "_tool.log")) for _ in range(RUNS)]
        a, b = (median(column) for column in zip(*pairs))
        ratio = "" if a is None or b is None else f"{b[0] / a[0]:.1f} x faster, {a[1] / b[1]:.3f} of the memory"
        print(f"| {name} | {ours} | {shown(a)} | {shown(b)} | {ratio} |", flush=True)
    chosen = median([measure([qconvert, model, "--calib", calib, "-q", "-o", os.path.join(work, name + ".onnx")],
                             os.path.join(work, name + ".log")) for _ in range(RUNS)])
    print(f"| {name} | default: scheme and methods chosen, guarded | {shown(chosen)} | | |", flush=True)


def memory(qconvert, work, folder):
    """Peak memory of calibration alone, with links to the same samples again and again."""
    name = os.path.basename(os.path.normpath(folder))
    files = sorted(os.listdir(os.path.join(folder, "calib")))
    peaks = []
    for count in (16, 256):
        many = os.path.join(work, f"{name}_{count}")
        os.makedirs(many, exist_ok=True)
        for i in range(count):
            link = os.path.join(many, f"{i:04}.npy")
            if not os.path.exists(link):
                os.link(os.path.realpath(os.path.join(folder, "calib", files[i % len(files)])), link)
        result = measure([qconvert, "calibrate", os.path.join(folder, "model.onnx"), "--calib", many, "-q", "-o",
                          os.path.join(work, "table.json")], os.path.join(work, "memory.log"))
        peaks.append(result[1] if result else float("nan"))
    print(f"| {name} | {peaks[0]:.0f} MB | {peaks[1]:.0f} MB | {peaks[1] / peaks[0]:.2f} |", flush=True)


def main(qconvert, work, *folders):
    os.makedirs(work, exist_ok=True)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    print("| model | method | qconvert | ONNX Runtime's tool | |\n|---|---|---|---|---|", flush=True)
    for folder in folders:
        compare(qconvert, work, folder)
    print("\n| calibration of | 16 samples | 256 samples | ratio |\n|---|---|---|---|", flush=True)
    for folder in folders:
        memory(qconvert, work, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Models of qconvert and of ONNX Runtime's own Python tool side by side: bytes, fidelity, speed, cost of making them.

side_by_side.py QCONVERT WORK_DIR NAME=MODEL,CALIB[,DATA,LABELS]...

Both tools get the same samples and nothing else: qconvert as it comes, the tool with QDQ, uint8 x int8, weights per channel,
MinMax, behind its own preprocessing. Fidelity is SQNR of the worst output on the samples of CALIB, or with DATA and LABELS
top-1; speed is the median time of one thread against the float model's, the two in turns; making takes processor seconds. A row
per model, in Markdown. Needs onnx, onnxruntime.
"""
import json
import os
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def seconds_of(command):
    """Processor seconds of one process and its children; None when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        print(done.stderr.decode(errors="replace")[-500:], file=sys.stderr)
        return None
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def verdict(qconvert, *args):
    done = subprocess.run([qconvert, *args, "-q", "--json", "-"], stdin=subprocess.DEVNULL, capture_output=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def fidelity(qconvert, model, made, calib, data, labels):
    if labels:
        found = verdict(qconvert, "evaluate", model, made, "--data", data, "--labels", labels, "--stacked")
        return "fails" if found is None else "{:.2f} % top-1".format(100 * found["quantized"]["top1"])
    found = verdict(qconvert, "compare", model, made, "--data", calib, "--outputs-only")
    if found is None:
        return "fails"
    return "{:.1f} dB".format(min(output["sqnr_db"] for output in found["outputs"]))


def row(qconvert, work, name, model, calib, data="", labels=""):
    ours, theirs = (os.path.join(work, name + end) for end in ("_qconvert.onnx", "_tool.onnx"))
    costs = (seconds_of([qconvert, model, "--calib", calib, "-q", "-o", ours]),
             seconds_of([sys.executable, os.path.join(HERE, "onnxruntime_tool.py"), model, calib, "MinMax", theirs]))
    cells = [name, "{:.2f}".format(os.path.getsize(model) / 1e6)]
    for file, cost in zip((ours, theirs), costs):
        bench = cost is not None and verdict(qconvert, "bench", model, file, "--data", calib, "--seconds", "5")
        cells.append("no file" if cost is None else "the engine refuses its file" if not bench else
                     "{:.2f} MB, {}, {:.2f} of the time; made in {:.1f} s".format(
                         os.path.getsize(file) / 1e6, fidelity(qconvert, model, file, calib, data, labels),
                         bench["models"][1]["ratio"]["median"], cost))
    print("| " + " | ".join(cells) + " |", flush=True)


def main(qconvert, work, *models):
    os.makedirs(work, exist_ok=True)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    print("| model | float MB | qconvert | ONNX Runtime's tool |\n|---|---|---|---|", flush=True)
    for text in models:
        name, paths = text.split("=", 1)
        row(qconvert, work, name, *paths.split(","))


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env bash
# A run that was killed goes on from what it had kept, and its result has the bytes of one that was not. No clock decides: it is
# killed when it has kept three results, or was quicker.
exec python3 - "$1" "$2" <<'PY'
import os, re, signal, subprocess, sys, tempfile, time

qconvert, root = sys.argv[1:]
failures = []
example = os.path.join(root, "examples/digits")


def command(out, *more):
    return [qconvert, os.path.join(example, "model.onnx"), "--calib", os.path.join(example, "calib"), "--scheme", "static",
            "--guard-reports", "--max-samples", "24", "--set", "weights.bit_width=4", "--set", "include_fast_ft=true",
            "--set", "fast_finetune.num_iterations=20", "-o", out, *more]


def run(out, *more):
    done = subprocess.run(command(out, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=280)
    if done.returncode != 0:
        failures.append("exit %d: %s" % (done.returncode, done.stderr.decode()))
    return done.stderr.decode()


def taken(errors):
    return {kind: (int(a), int(b)) for a, b, kind in re.findall(r"(\d+) of (\d+) (\w+)s", errors)}


def results(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".txt")) if os.path.isdir(folder) else []


def bytes_of(out):
    return [open(out, "rb").read(), open(out.replace(".onnx", "_quant_info.json"), "rb").read()]


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    run("plain.onnx")
    process = subprocess.Popen(command("killed.onnx", "--cache", "kept"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    while process.poll() is None and len(results("kept")) < 3:
        time.sleep(0.005)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was quicker
    process.wait()
    before = len(results("kept"))
    if before < 3:
        failures.append("only %d results were kept" % before)
    first = taken(run("killed.onnx", "--cache", "kept"))
    if sum(a for a, _ in first.values()) < before:
        failures.append("took %s of %d results" % (first, before))
    if bytes_of("killed.onnx") != bytes_of("plain.onnx"):
        failures.append("a run that was killed and went on makes other bytes")
    all_of_them = results("kept")
    again = taken(run("again.onnx", "--cache", "kept"))
    if not {"measurement", "layer", "table", "correction"} <= set(again) or any(a != b for a, b in again.values()):
        failures.append("a second run took %s" % again)
    if results("kept") != all_of_them or bytes_of("again.onnx") != bytes_of("plain.onnx"):
        failures.append("a second run keeps more, or makes other bytes")
    damaged = os.path.join("kept", all_of_them[0])
    open(damaged, "w").write("what is this\n")
    errors = run("again.onnx", "--cache", "kept")
    if errors.count("is not what was kept there, it is made anew") != 1 or damaged not in errors:
        failures.append("a damaged file: %s" % errors)
    if bytes_of("again.onnx") != bytes_of("plain.onnx"):
        failures.append("a damaged file makes other bytes")
    if not open(damaged).read().startswith("qconvert result 1 "):
        failures.append("a damaged file is not made anew")
    open("file", "w").close()
    done = subprocess.run(command("no.onnx", "--cache", "file"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=280)
    if done.returncode != 6 or os.path.exists("no.onnx"):
        failures.append("a cache that is a file: exit %d: %s" % (done.returncode, done.stderr.decode()))

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY

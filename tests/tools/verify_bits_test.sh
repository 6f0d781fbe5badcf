#!/usr/bin/env bash
# One bit of a quantized model or of its quant_info is changed, many times over: qconvert verify has to find each.
# BITS=1000 changes so many (default: 24).
exec python3 - "$1" "$2" "${BITS:-24}" <<'PY'
import os, random, shutil, subprocess, sys, tempfile

qconvert, root, bits = sys.argv[1], sys.argv[2], int(sys.argv[3])
model, calib = (os.path.join(root, "examples/digits", name) for name in ("model.onnx", "calib"))
failures = []


def run(*args):
    return subprocess.run([qconvert, *args], capture_output=True, timeout=120)


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    if run(model, "--calib", calib, "-o", "q.onnx", "-q").returncode:
        sys.exit("no model to change")
    for threads in ("1", "2"):
        done = run("verify", "q.onnx", "--model", model, "--calib", calib, "--workers", threads)
        if done.returncode or b"q.onnx: equal" not in done.stdout:
            failures.append("%s workers: exit %d: %s" % (threads, done.returncode, (done.stdout + done.stderr).decode()[:400]))
    files = {name: open(name, "rb").read() for name in ("q.onnx", "q_quant_info.json")}
    draw = random.Random(17)
    codes = {}
    for k in range(bits):
        name = ("q.onnx", "q_quant_info.json")[k % 2]
        changed = bytearray(files[name])
        place = draw.randrange(8 * len(changed))
        changed[place // 8] ^= 1 << place % 8
        open(name, "wb").write(changed)
        done = run("verify", "q.onnx", "--model", model)
        codes[done.returncode] = codes.get(done.returncode, 0) + 1
        # What no longer is a model or a plan at all may be told as that.
        if done.returncode not in (3, 4, 8) or not done.stderr:
            failures.append("%s, bit %d of byte %d: exit %d" % (name, place % 8, place // 8, done.returncode))
        open(name, "wb").write(files[name])
    if run("verify", "q.onnx", "--model", model).returncode:
        failures.append("the files as they were are no longer equal")
    print("%d changes, by exit code: %s" % (bits, codes))
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY

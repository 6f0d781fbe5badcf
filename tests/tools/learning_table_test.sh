#!/usr/bin/env bash
# tools/learning_table.py on the shipped example, two rows of its table, and what stands there where a conversion is refused.
exec python3 - "$1" "$2" <<'PY'
import os, re, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []


def expect(text, pattern):
    if not re.search(pattern, text, re.M):
        failures.append("no line like '%s' in:\n%s" % (pattern, text))


with tempfile.TemporaryDirectory() as work:
    for name in ("broken", "digits"):
        os.mkdir(os.path.join(work, name))
    with open(os.path.join(work, "broken", "model.onnx"), "w") as file:
        file.write("no model")
    os.symlink(os.path.join(root, "examples/digits/model.onnx"), os.path.join(work, "digits/model.onnx"))
    os.symlink(os.path.join(root, "examples/digits/calib"), os.path.join(work, "digits/digits"))
    done = subprocess.run([sys.executable, os.path.join(root, "tools/learning_table.py"), qconvert, work, work, "--score", "echo {}",
                           "--numbers", "^W4A8 per channel$", "--ways", "^nearest$|^second order$"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
    if done.returncode != 0 or done.stderr:
        failures.append("exit %d, %s" % (done.returncode, done.stderr))
    for way in ("nearest", "second order"):
        expect(done.stdout, r"^\| digits \| W4A8 per channel \| %s \| - \| \d+\.\d dB \| \d+\.\d \| \d+ \|$" % way)
    expect(done.stdout, r"^\| broken \| W4A8 per channel \| nearest \| exit 4: .*broken/model\.onnx")
    if done.stdout.count("| W4A8 per channel |") != 4:
        failures.append("two rows of each were asked for:\n" + done.stdout)

for failure in failures:
    print("FAIL: " + failure)
sys.exit(1 if failures else 0)
PY

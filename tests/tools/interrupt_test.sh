#!/usr/bin/env bash
# INT, TERM and HUP end a run within two seconds with 128 + n; nothing is left, an older output stays.
exec python3 - "$1" "$2" <<'PY'
import os, shutil, signal, subprocess, sys, tempfile, time

qconvert, root = sys.argv[1:]
failures = []
with tempfile.TemporaryDirectory() as work:
    calib, out = os.path.join(work, "calib"), os.path.join(work, "out")
    os.mkdir(calib)
    os.mkdir(out)
    source = os.path.join(root, "examples/digits/calib")
    for k in range(100):
        for name in os.listdir(source):
            shutil.copyfile(os.path.join(source, name), os.path.join(calib, "%d-%s" % (k, name)))
    target = os.path.join(out, "m.onnx")
    interrupted = 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for delay in (0.03, 0.1, 0.2, 0.4):
            with open(target, "w") as f:
                f.write("old")
            run = subprocess.Popen([qconvert, "-q", os.path.join(root, "examples/digits/model.onnx"), "--calib", calib,
                                    "-o", target, "--workers", "1"])
            time.sleep(delay)
            run.send_signal(number)
            try:
                status = run.wait(2)
            except subprocess.TimeoutExpired:
                run.kill()
                failures.append("%s after %g s: still running after 2 s" % (number.name, delay))
                continue
            if status != 0:
                interrupted += 1
                if status not in (128 + number, -number):  # the latter before main has begun
                    failures.append("%s after %g s: exit %d" % (number.name, delay, status))
                if open(target).read() != "old":
                    failures.append("%s after %g s: the older output changed" % (number.name, delay))
            left = [name for name in os.listdir(out) if name.startswith(".")]
            if left:
                failures.append("%s after %g s left %s" % (number.name, delay, left))
    if interrupted < 6:
        failures.append("only %d runs were interrupted: the samples are too few" % interrupted)
print("\n".join(failures))
sys.exit(bool(failures))
PY

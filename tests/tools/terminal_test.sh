#!/usr/bin/env bash
# What a person sees: colors on a terminal alone and where nobody declines them, bars of 40 columns, none on a dumb terminal.
exec python3 - "$1" "$2" <<'PY'
import os, pty, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
example = os.path.join(root, "examples/digits")
failures = []


def on_terminal(*args, **environment):
    """What the program writes to a terminal of its own."""
    child, screen = pty.fork()
    if child == 0:
        for name in ("NO_COLOR", "TERM"):
            os.environ.pop(name, None)
        os.environ.update(environment)
        os.execv(qconvert, [qconvert, *args])
    seen = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        seen += part
    os.waitpid(child, 0)
    return seen.decode()


def check(what, found, expected):
    if found != expected:
        failures.append("%s: %r, expected %r" % (what, found, expected))


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    error = "none.onnx: cannot open: No such file or directory\r\n"
    for environment, shown in ((dict(TERM="xterm"), "qconvert: \033[1;31merror:\033[0m " + error),
                               (dict(TERM="xterm", NO_COLOR=""), "qconvert: \033[1;31merror:\033[0m " + error),
                               (dict(TERM="xterm", NO_COLOR="1"), "qconvert: error: " + error),
                               (dict(TERM="dumb"), "qconvert: error: " + error)):
        check("an error with %s" % environment, on_terminal("inspect", "none.onnx", **environment), shown)
    done = subprocess.run([qconvert, "inspect", "none.onnx"], capture_output=True, text=True)
    check("an error in a file", done.stderr, "qconvert: error: " + error.replace("\r", ""))

    work_to_see = ("debug", os.path.join(example, "model.onnx"), "--calib", os.path.join(example, "calib"))
    seen = on_terminal(*work_to_see, TERM="xterm", NO_COLOR="1")
    bars = [line for line in seen.replace("\n", "\r").split("\r") if "[" in line and "left" in line]
    bars = [line.replace("\033[K", "") for line in bars]
    if not bars or max(map(len, bars)) > 40 or not all("#" in bar or " ]" in bar for bar in bars):
        failures.append("bars of 40 columns: %r" % bars)
    check("colors", "\033[1" in seen or "\033[3" in seen, False)
    table = [line for line in seen.split("\r\n") if "--keep-float" not in line and "\r" not in line]
    check("lines that are too wide", [line for line in table if len(line) > 80], [])
    seen = on_terminal(os.path.join(example, "model.onnx"), "--calib", os.path.join(example, "calib"), "-o", "q.onnx",
                       "--min-sqnr", "60", "--scheme", "static", TERM="xterm")
    plans = [line.replace("\033[K", "") for line in seen.split("\r") if "plans compared" in line]
    if not plans or max(map(len, plans)) > 40 or not all(" of at most " in line and " s" in line for line in plans):
        failures.append("plans compared, of at most so many: %r" % plans)
    dumb = on_terminal(*work_to_see, TERM="dumb")
    check("a dumb terminal goes back", "\r" in dumb.replace("\r\n", ""), False)
    check("a dumb terminal gets codes", "\033" in dumb, False)

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY

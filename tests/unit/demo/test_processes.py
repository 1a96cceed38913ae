"""Children of the demo get a clean environment, are heard line by line, and end on every way out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import processes

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
ROOT = Path(__file__).parents[3]


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_of_the_users_aws_or_git_settings_gets_in(monkeypatch, tmp_path):
    leaks = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "HTTPS_PROXY", "GIT_DIR", "PYTHONPATH")
    for name in leaks:
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    found = processes.environment("http://127.0.0.1:1", tmp_path)
    assert not set(leaks) & set(found)
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_ENDPOINT_URL"]) == ("111111111111", "http://127.0.0.1:1")
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == found["GIT_CONFIG_GLOBAL"] == os.devnull
    assert found["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_output_is_handed_on_with_stderr_and_the_exit_code(tmp_path):
    lines = []
    program = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); sys.exit(3)"
    code, output = processes.run([sys.executable, "-c", program], tmp_path, {}, lines.append)
    assert (code, output, lines) == (3, "one\ntwo", ["one", "two"])


def test_a_child_that_does_not_want_to_end_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "END_WITHIN", 0.2)
    log = tmp_path / "log"
    try:
        with processes.background([sys.executable, "-c", STUBBORN], tmp_path, {}, log) as process:
            wait_for(log.read_text)
            assert os.getsid(process.pid) == process.pid, "Ctrl-C must not reach it"
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert process.returncode == -signal.SIGKILL


def test_a_command_that_is_interrupted_leaves_nothing_running(tmp_path):
    seen = []

    def interrupt(line):
        seen.append(int(line))
        raise KeyboardInterrupt

    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        processes.run([sys.executable, "-c", program], tmp_path, {}, interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_demo_takes_its_processes_with_it(how, tmp_path, monkeypatch):
    """The real stage, in a folder of its own, told to end while a command runs."""
    program = (
        "import sys, signal, time; from pathlib import Path; from demo import __main__ as demo, stage;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a shell's background job would ignore it
        f"stage.FOLDER = demo.FOLDER = Path({str(tmp_path)!r}) / 'demo';"
        "from demo.acts import Act; demo.ACTS = (Act('wait', lambda s: time.sleep(600)),); sys.exit(demo.main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout:
        if "Act 1" in line:
            break
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    process.send_signal(how)
    assert process.wait(30) != 0
    process.stdout.close()
    pids = [int(pid) for pid in children.stdout.split()]
    assert len(pids) == 2, "the embedded AWS and the observer"
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

"""What the whole-program tests share: the simulated provider, a run, and the oracle of its output files.

The programs come from the environment: BATCHRUN and MOCKPROVIDER name the binaries. Everything else is made in a
temporary folder that goes with the test. Standard library only.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.request

BATCHRUN = os.environ.get("BATCHRUN", "build/dev/batchrun")
MOCKPROVIDER = os.environ.get("MOCKPROVIDER", "build/dev/mockprovider")
SANITIZED = re.search(r"/[at]san/", BATCHRUN) is not None  # takes several times the memory
KEYS = ["canary-key-one-7f3a9c", "canary-key-two-1b8e4d"]


class Mock:
    """A running simulated provider."""

    def __init__(self, folder, scenario, *args, port=0):
        path = folder / f"scenario-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(scenario))
        self.process = subprocess.Popen([MOCKPROVIDER, "--port", str(port), "--scenario", str(path), *args],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()  # "listening on http://127.0.0.1:PORT"
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1].rstrip("/"))

    def get(self, path):
        unchecked = ssl._create_unverified_context()  # of its own making
        with urllib.request.urlopen(f"{self.url.rstrip('/')}{path}", timeout=10, context=unchecked) as reply:
            return json.loads(reply.read())

    def counters(self):
        return self.get("/mock/counters")

    def count(self, what):
        return self.counters()[what]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


class Case(unittest.TestCase):
    """A test with a folder, providers and runs, all of which end with it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="batchrun-e2e-"))
        self.mocks = []
        self.runs = []

    def tearDown(self):
        for run in self.runs:
            if run.poll() is None:
                run.kill()
            run.communicate()
        for mock in self.mocks:
            mock.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def mock(self, scenario=None, *args, **kw):
        mock = Mock(self.folder, scenario or {}, *args, **kw)
        self.mocks.append(mock)
        return mock

    def config(self, mock, keys=None, rate_limit=None, **provider):
        """A config file for one provider with two keys of their own groups."""
        entries = []
        for n, key in enumerate(keys or KEYS):
            entry = {"key": key, "group": f"org-{n}"}
            if rate_limit:
                entry["rateLimit"] = rate_limit
            entries.append(entry)
        path = self.folder / "batchrun.json"
        path.write_text(json.dumps({"providers": {"openai": {
            "base_url": f"{mock.url}/v1", "default_model": "gpt-4o-mini", "keys": entries, **provider}}}))
        path.chmod(0o600)
        return path

    def rows(self, count, name="input.jsonl", max_tokens=8, start=0):
        path = self.folder / name
        with path.open("w") as file:
            for i in range(start, start + count):
                file.write(json.dumps({"custom_id": f"row-{i}", "prompt": f"question-{i}?", "max_tokens": max_tokens}) + "\n")
        return path

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TERM", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}
        kept["XDG_CONFIG_HOME"] = str(self.folder / "xdg")
        kept["XDG_STATE_HOME"] = str(self.folder / "state")
        return kept

    def start(self, *args, **kw):
        kw.setdefault("env", self.environment())
        kw.setdefault("stdin", subprocess.DEVNULL)
        run = subprocess.Popen([BATCHRUN, *map(str, args)], cwd=self.folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, **kw)
        self.runs.append(run)
        return run

    def run_batch(self, *args, timeout=60, stdin=None, **kw):
        """A run to its end: (exit code, stdout, stderr)."""
        if stdin is not None:
            kw["stdin"] = subprocess.PIPE
        run = self.start(*args, **kw)
        out, err = run.communicate(stdin, timeout=timeout)
        return run.returncode, out, err

    def lines(self, name):
        """The objects of an output file; every line must be one whole object ending in LF."""
        path = self.folder / name
        if not path.exists():
            return []
        text = path.read_bytes()
        self.assertTrue(text == b"" or text.endswith(b"\n"), f"{name} does not end in a line")
        return [json.loads(line) for line in text.splitlines()]

    def check_each_row_once(self, rows, results="input.results.jsonl", errors="input.errors.jsonl"):
        """Every row of `rows` (ids) has exactly one line in the two files, and the files have no other."""
        ids = sorted(line["custom_id"] for line in self.lines(results) + self.lines(errors))
        self.assertEqual(ids, sorted(rows))
        for line in self.lines(results):
            self.assertIsNone(line["error"])
            self.assertTrue(line["batchrun"]["ok"])
            message = line["response"]["body"]["choices"][0]["message"]
            text = message.get("refusal") or message["content"]
            number = line["custom_id"].split("-")[1]
            self.assertIn(f"question-{number}?", text, "a row got another row's answer")

    def check_no_secret(self, *texts):
        """No key in anything the run printed or wrote."""
        for key in KEYS:
            for text in texts:
                self.assertNotIn(key, text)
            for path in self.folder.rglob("*"):
                if path.is_file() and path.name != "batchrun.json" and not path.name.startswith("scenario-"):
                    self.assertNotIn(key.encode(), path.read_bytes(), path.name)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    unittest.main(verbosity=2)

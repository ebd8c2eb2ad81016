"""Nothing lost, nothing doubled: whatever ends a run, the same command again ends with one line for each row.

Each test says which of the deaths it deals are real ones. Long forms, by the environment:
  BATCHRUN_KILLS=1000      kills at random moments (8 unless given)
  BATCHRUN_KILL_STRIDE=1   octets of output between kills, and between cuts of a finished run (unless given, some)
  BATCHRUN_SEED=N          of everything random
"""
import gzip
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

import harness
from harness import wait_until

SEED = int(os.environ.get("BATCHRUN_SEED", "20"))
RESULTS, ERRORS = "input.results.jsonl", "input.errors.jsonl"


def file_limit(octets, action):
    """For a child: no file may grow beyond `octets`; the write that would is cut at that octet, the next one is dealt `action`."""
    def limit():
        signal.signal(signal.SIGXFSZ, action)
        resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return limit


class Durability(harness.Case):
    def ids(self, count):
        return [f"row-{i}" for i in range(count)]

    def check_done(self, count, code, err):
        self.assertEqual(code, 3 if self.lines(ERRORS) else 0, err)
        self.check_each_row_once(self.ids(count))

    def without_state_file(self):
        environment = self.environment()
        for name in ("XDG_STATE_HOME", "HOME"):
            environment.pop(name, None)
        return environment

    def forget_outputs(self):
        for path in self.folder.glob("input.*"):
            if path.name != "input.jsonl":
                path.unlink()


class Kills(Durability):
    def test_killed_at_each_octet_of_the_output(self):
        """Real: the kernel cuts the write at that octet and kills with SIGXFSZ. Each run is the recovery of the one before it."""
        total, in_flight = 50, 4
        mock = self.mock({"seed": SEED, "faults": [{"fault": "bad_request", "every": 7}],
                          "latency": {"first_chunk_ms": {"kind": "fixed", "ms": 20}}})
        self.config(mock)
        self.rows(total)
        stride = int(os.environ.get("BATCHRUN_KILL_STRIDE", "449"))
        kills, limit = 0, 1
        while True:
            code, _, err = self.run_batch("input.jsonl", "-j", in_flight, env=self.without_state_file(),
                                          preexec_fn=file_limit(limit, signal.SIG_DFL))
            if code != -signal.SIGXFSZ:
                break
            self.assertEqual(max((self.folder / name).stat().st_size for name in (RESULTS, ERRORS) if (self.folder / name).exists()), limit)
            kills += 1
            limit += stride
        self.check_done(total, code, err)
        self.assertGreater(kills, 20)
        # A row is in flight until its line is written.
        self.assertLessEqual(mock.count("requests"), total + kills * in_flight)

    def test_cut_at_each_octet_of_a_finished_run(self):
        """No real death: the files of a finished run are cut as a death would leave them."""
        total = 50
        mock = self.mock({"seed": SEED, "faults": [{"fault": "bad_request", "every": 7}]})
        self.config(mock)
        self.rows(total)
        self.run_batch("input.jsonl")
        whole = {name: (self.folder / name).read_bytes() for name in (RESULTS, ERRORS)}
        stride = os.environ.get("BATCHRUN_KILL_STRIDE")
        rng = random.Random(SEED)
        for name, text in whole.items():
            ends = [i + 1 for i, octet in enumerate(text) if octet == 10]
            cuts = range(0, len(text), int(stride)) if stride else sorted(
                {0, 1, ends[0] - 1, ends[0], ends[0] + 1, ends[-1] - 1} | set(rng.sample(range(len(text)), 12)))
            for cut in cuts:
                with self.subTest(file=name, cut=cut):
                    for other, octets in whole.items():
                        (self.folder / other).write_bytes(octets[:cut] if other == name else octets)
                    # An object needs no line feed to be whole.
                    kept = sum(end - 1 <= cut for end in ends)
                    before = mock.count("requests")
                    code, _, err = self.run_batch("input.jsonl", env=self.without_state_file())
                    self.check_done(total, code, err)
                    self.assertEqual(mock.count("requests") - before, len(ends) - kept)

    def test_killed_at_random_moments(self):
        """Real: SIGKILL while rows are streamed and tried again by several groups, while a run recovers, and twice in a row."""
        rng = random.Random(SEED)
        kills = int(os.environ.get("BATCHRUN_KILLS", "8"))
        total, in_flight = 3000, 16
        keys = [f"canary-key-{i}-1b8e4d" for i in range(4)]
        mock = self.mock({"seed": SEED, "latency": {"first_chunk_ms": {"kind": "uniform", "min_ms": 1, "max_ms": 30}},
                          "faults": [{"fault": name, "probability": 0.01} for name in
                                     ("status_500", "rate_limit_429", "reset_in_body", "eof_without_done", "bad_request")]})
        self.config(mock, keys=keys)
        self.rows(total)
        dealt = again = 0
        while dealt < kills:
            mode = rng.choice(["always", "never"])
            run = self.start("input.jsonl", "-j", in_flight, "--progress", "none", "--stream", mode)
            # Every third dies in its first moments, which are those of the recovery.
            time.sleep(rng.uniform(0, 0.03) if rng.random() < 0.33 else rng.uniform(0.03, 0.4))
            alive = run.poll() is None
            run.kill()
            _, err = run.communicate()
            self.runs.remove(run)
            if alive:
                dealt += 1
                if rng.random() < 0.25:
                    shutil.rmtree(self.folder / "state", ignore_errors=True)
            else:
                self.check_done(total, run.returncode, err)
                again += 1
                self.forget_outputs()
        code, _, err = self.run_batch("input.jsonl", "-j", in_flight, timeout=120)
        self.check_done(total, code, err)
        # Whole good answers: one for each row, and what was in flight at each kill.
        self.assertLessEqual(mock.count("completed"), (again + 1) * total + dealt * in_flight)


class FullDisks(Durability):
    def full_disk(self, **kw):
        code, _, err = self.run_batch("input.jsonl", "-j", "8", **kw)
        self.assertEqual(code, 6, err)
        self.assertIn("error:", err)
        self.assertIn("run the same command again", err)

    def test_a_full_file_system_ends_the_run_on_a_line(self):
        """Real: a tmpfs of 200 KiB."""
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {mounted.stderr.strip()}")
        try:
            mock = self.mock()
            self.config(mock)
            self.rows(800)
            outputs = ["-o", "disk/results", "--errors", "disk/errors", "--report", "report.json", "-j", "8"]
            code, _, err = self.run_batch("input.jsonl", *outputs)
            self.assertEqual(code, 6, err)
            self.assertIn("No space left on device", err)
            written = len(self.lines("disk/results"))
            self.assertTrue(0 < written < 800)
            code, _, err = self.run_batch("input.jsonl", *outputs)
            self.assertEqual(code, 6, "still full")
            self.assertGreaterEqual(len(self.lines("disk/results")), written)
            subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
            code, _, err = self.run_batch("input.jsonl", *outputs)
            self.assertEqual(code, 0, err)
            self.check_each_row_once(self.ids(800), "disk/results", "disk/errors")
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_a_file_that_may_not_grow_ends_the_run_on_a_line(self):
        """Real: the kernel refuses the write with EFBIG."""
        mock = self.mock()
        self.config(mock)
        self.rows(300)
        for limit in (0, 1, 40_000, 40_001, 90_000):
            self.full_disk(env=self.without_state_file(), preexec_fn=file_limit(limit, signal.SIG_IGN))
            self.lines(RESULTS)
        code, _, err = self.run_batch("input.jsonl")
        self.check_done(300, code, err)

    def test_a_device_that_is_full(self):
        mock = self.mock()
        self.config(mock)
        self.rows(20)
        code, _, err = self.run_batch("input.jsonl", "-o", "/dev/full")
        self.assertEqual(code, 6, err)
        self.assertIn("No space left on device", err)


class Files(Durability):
    def setUp(self):
        super().setUp()
        self.provider = self.mock()
        self.config(self.provider)

    def good(self, *args, **kw):
        code, _, err = self.run_batch("input.jsonl", *args, **kw)
        self.assertEqual(code, 0, err)
        return err

    def test_bad_and_second_lines_are_moved_out(self):
        self.rows(30)
        self.good()
        path = self.folder / RESULTS
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:10] + [b"garbage \xff\n", lines[3]] + lines[11:]) + b"\0" * 4096)
        sent = self.provider.count("requests")
        err = self.good()
        self.assertIn("1 unreadable line moved", err)
        self.assertIn("1 second line", err)
        self.check_each_row_once(self.ids(30))
        self.assertEqual(self.provider.count("requests"), sent + 1)
        self.assertEqual((self.folder / f"{RESULTS}.corrupt").read_bytes(), b"garbage \xff\n" + lines[3])

    def test_ordered(self):
        self.rows(300)
        self.good("--ordered", "--max-attempts", "9")
        ids = [line["custom_id"] for line in self.lines(RESULTS)]
        self.assertEqual(ids, self.ids(300))
        # A resume after rows have moved: by where they are now.
        path = self.folder / "input.jsonl"
        rows = path.read_text().splitlines(keepends=True)
        results = self.folder / RESULTS
        results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[50:]))
        path.write_text("".join(reversed(rows)))
        self.good("--ordered")
        self.assertEqual([line["custom_id"] for line in self.lines(RESULTS)], list(reversed(ids)))
        code, _, err = self.run_batch("input.jsonl", "--ordered", "-o", "-")
        self.assertEqual(code, 2, err)

    def test_changed_rows_sent_again_have_one_line(self):
        path = self.rows(6)
        self.good()
        path.write_text(path.read_text().replace("question-3?", "question-3? again"))
        sent = self.provider.count("requests")
        err = self.good("--changed=rerun")
        self.assertIn("1 line of changed rows moved", err)
        self.assertEqual(self.provider.count("requests"), sent + 1)
        self.check_each_row_once(self.ids(6))
        answers = {line["custom_id"]: json.dumps(line["response"]) for line in self.lines(RESULTS)}
        self.assertIn("again", answers["row-3"])
        self.assertNotIn("again", (self.folder / f"{RESULTS}.old").read_text())
        self.good()  # and is now what was answered
        self.assertEqual(self.provider.count("requests"), sent + 1)

    def test_a_pipe_as_input_is_not_used_up_by_the_resume(self):
        self.rows(20)
        text = (self.folder / "input.jsonl").read_bytes()
        fifo = self.folder / "fifo.jsonl"
        os.mkfifo(fifo)

        def through_the_pipe(octets, *args):
            writer = threading.Thread(target=lambda: fifo.write_bytes(octets))
            writer.start()
            run = self.run_batch("fifo.jsonl", "-o", RESULTS, "--errors", ERRORS, *args)
            writer.join()
            return run

        code, _, err = through_the_pipe(b"".join(text.splitlines(keepends=True)[:8]))
        self.assertEqual(code, 0, err)
        code, _, err = through_the_pipe(text)
        self.assertEqual(code, 0, err)
        self.check_each_row_once(self.ids(20))
        self.assertEqual(self.provider.count("requests"), 20)
        code, _, err = through_the_pipe(text.replace(b"question-0?", b"changed"), "--changed=rerun")
        self.assertEqual(code, 2, err)
        self.assertIn("--changed=keep", err)
        self.check_each_row_once(self.ids(20))

    def test_an_input_that_breaks_off_can_be_gone_on_with(self):
        whole = gzip.compress(self.rows(3000).read_bytes())
        packed = self.folder / "input.jsonl.gz"
        packed.write_bytes(whole[:len(whole) // 2])
        arguments = ("input.jsonl.gz", "-o", RESULTS, "--errors", ERRORS)
        code, _, err = self.run_batch(*arguments)
        self.assertEqual(code, 2, err)
        self.assertIn("the data ends in the middle", err)
        answered = len(self.lines(RESULTS))
        self.assertTrue(0 < answered < 3000)
        packed.write_bytes(whole)
        code, _, err = self.run_batch(*arguments)
        self.assertEqual(code, 0, err)
        self.check_each_row_once(self.ids(3000))
        self.assertEqual(self.provider.count("requests"), 3000)

    def test_a_file_that_is_no_output_is_left_alone(self):
        self.rows(3)
        notes = self.folder / "notes.txt"
        notes.write_text("one\ntwo")
        for options in (["-o", notes], ["--errors", notes], ["--errors", notes, "--retry-failed"]):
            code, _, err = self.run_batch("input.jsonl", *options)
            self.assertEqual(code, 6, err)
            self.assertIn("no output of batchrun", err)
            self.assertEqual(notes.read_text(), "one\ntwo")
        self.assertEqual(self.provider.count("requests"), 0)

    def test_another_default_model_is_told_on_resume(self):
        self.rows(3)
        self.good()
        self.rows(6)
        self.config(self.provider, default_model="gpt-4o")
        err = self.good()
        self.assertIn("default model of openai was gpt-4o-mini, is gpt-4o", err)
        self.check_each_row_once(self.ids(6))

    def test_retry_failed_with_the_wrong_input_touches_nothing(self):
        self.provider.stop()
        mock = self.mock({"faults": [{"fault": "bad_request", "times": 2}]})
        self.config(mock)
        self.rows(5)
        self.run_batch("input.jsonl")
        before = {path.name: path.read_bytes() for path in self.folder.glob("input.*") if path.name != "input.jsonl"}
        (self.folder / "input.jsonl").write_text('{"custom_id":"another","prompt":"question-0?"}\n')
        code, _, err = self.run_batch("input.jsonl", "--retry-failed")
        self.assertEqual(code, 2, err)
        self.assertIn("answers to another input", err)
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.folder.glob("input.*") if path.name != "input.jsonl"})

    def test_fresh_and_retry_failed(self):
        self.provider.stop()
        mock = self.mock({"faults": [{"fault": "bad_request", "times": 5}]})
        self.config(mock)
        self.rows(20)
        code, _, err = self.run_batch("input.jsonl")
        self.check_done(20, code, err)
        failed = {line["custom_id"] for line in self.lines(ERRORS)}
        self.assertEqual(len(failed), 5)
        code, _, err = self.run_batch("input.jsonl", "--retry-failed")
        self.assertEqual(code, 0, err)
        self.check_each_row_once(self.ids(20))
        self.assertEqual(mock.count("requests"), 25)
        self.assertEqual({line["custom_id"] for line in self.lines(f"{ERRORS}.old")}, failed)
        self.assertFalse((self.folder / ERRORS).exists())
        self.assertIn("no failed rows to retry", self.good("--retry-failed"))
        self.good("--fresh")
        self.check_each_row_once(self.ids(20))
        self.assertEqual(mock.count("requests"), 45)

    def test_two_runs_share_no_file(self):
        self.provider.stop()
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 1500}}})
        self.config(mock)
        self.rows(4)
        first = self.start("input.jsonl")
        self.assertTrue(wait_until(lambda: mock.count("requests") == 4))
        os.link(self.folder / RESULTS, self.folder / "another-name")
        for args in ([], ["--fresh"], ["--retry-failed"], ["-o", "other.jsonl", "--errors", ERRORS], ["-o", "another-name", "--errors", "other.err"]):
            code, _, err = self.run_batch("input.jsonl", *args)
            self.assertEqual(code, 2, err)
            self.assertIn("is being written by another run", err)
        self.assertEqual(first.wait(20), 0)
        self.check_each_row_once(self.ids(4))
        self.assertEqual(mock.count("requests"), 4)

    def test_an_input_replaced_while_it_is_read_is_noticed(self):
        self.provider.stop()
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 300}}})
        self.config(mock)
        path = self.rows(8)
        self.assertNotIn("was changed", self.good("--fresh"))
        sent = mock.count("requests")
        run = self.start("input.jsonl", "--fresh")
        self.assertTrue(wait_until(lambda: mock.count("requests") > sent))
        replacement = self.folder / "replacement"
        replacement.write_text(path.read_text().replace("question-3?", "something else"))
        replacement.rename(path)
        _, err = run.communicate(timeout=20)
        self.assertEqual(run.returncode, 0, err)
        self.assertIn("was changed while it was read", err)
        self.check_each_row_once(self.ids(8))
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 2, err)
        self.assertIn("line 4", err)


if __name__ == "__main__":
    harness.main()

"""The run as a process among others: stopped and continued, few descriptors, slow and closed pipes, large rows, and what
/proc tells of it."""
import json
import os
import pathlib
import re
import resource
import signal
import time
import unittest

import harness

# Of a run of any length.
MEMORY_KB = 120_000 * (8 if harness.SANITIZED else 1)


class Process(harness.Case):
    def peak_kb(self, run):
        status = pathlib.Path(f"/proc/{run.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])

    def test_after_a_stop_there_is_no_burst(self):
        # A server that allows 20 requests a second and no more than two seconds' worth at once.
        mock = self.mock({"keys": [{"key": key, "organisation": "one"} for key in harness.KEYS],
                          "organisations": {"one": {"rpm": 1200}}, "limiter": {"kind": "token_bucket", "bucket_s": 2}})
        config = self.config(mock, rate_limit={"requestsPerMinute": 1200})
        config.write_text(config.read_text().replace("org-1", "org-0"))
        self.rows(160)
        run = self.start("input.jsonl", "--progress", "none")
        self.assertTrue(harness.wait_until(lambda: mock.count("admitted") > 20))
        run.send_signal(signal.SIGSTOP)
        time.sleep(3)
        before = mock.count("admitted")
        run.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        # Half a second of its rate, and the second of it that a bucket may save up.
        self.assertLessEqual(mock.count("admitted") - before, 35)
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, err)
        self.assertEqual(mock.count("refused"), 0)
        self.check_each_row_once([f"row-{n}" for n in range(160)])

    def test_few_descriptors_are_enough(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 30}}})
        self.config(mock)
        self.rows(400)
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
        code, _, err = self.run_batch("input.jsonl", preexec_fn=few)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(400)])
        self.assertLessEqual(mock.count("most_open_connections"), 48)

    def test_a_pipe_that_nobody_reads_stops_the_sending(self):
        mock = self.mock({"answer": {"tokens": 2000, "chunks": 1}})
        self.config(mock)
        self.rows(4000, max_tokens=2000)
        run = self.start("input.jsonl", "-o", "-", "--progress", "none")
        last = -1
        while last != (now := mock.count("admitted")):
            last = now
            time.sleep(1)
        self.assertLess(last, 4000, "all was sent though nothing was read")
        peak_kb = self.peak_kb(run)
        out, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, err)
        self.assertEqual(len({json.loads(line)["custom_id"] for line in out.splitlines()}), 4000)
        self.assertLess(peak_kb, MEMORY_KB)

    def test_a_pipe_that_is_closed_ends_it(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 20}}})
        self.config(mock)
        self.rows(400)
        run = self.start("input.jsonl", "-o", "-", "-j", "4", "--progress", "none")
        run.stdout.readline()
        run.stdout.close()
        run.stdout = None
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 6, err)
        self.assertIn("error:", err)

    def test_a_pipe_without_a_reader_is_no_place_for_answers(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 20}}})
        self.config(mock)
        self.rows(400)
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        run = self.start("input.jsonl", "-o", "pipe", "-j", "4", "--progress", "none")
        with pipe.open() as reader:
            reader.readline()
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 6, err)

    def test_an_input_that_says_nothing_does_not_keep_it(self):
        self.config(self.mock())
        reading, writing = os.pipe()
        os.write(writing, b'{"id": "row-0", "prompt": "question-0?", "max_tokens": 8}\n')
        run = self.start("-", "-o", "out.jsonl", "--progress", "none", stdin=reading)
        os.close(reading)
        self.assertTrue(harness.wait_until(lambda: self.lines("out.jsonl")))
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=10)
        os.close(writing)
        self.assertEqual(run.returncode, 143, err)

    def test_an_errors_file_that_somebody_has_deleted_is_not_missed(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 300}}})
        self.config(mock)
        self.rows(4)
        run = self.start("input.jsonl", "--progress", "none")
        self.assertTrue(harness.wait_until(lambda: mock.count("admitted") > 0))
        (self.folder / "input.errors.jsonl").unlink()
        _, err = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 0, err)
        self.assertTrue((self.folder / "input.report.json").exists())

    def test_rows_of_a_megabyte_do_not_pile_up(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 50}}, "count_executions": False})
        self.config(mock)
        with (self.folder / "input.jsonl").open("w") as file:
            for n in range(300):
                file.write(json.dumps({"custom_id": f"row-{n}", "max_tokens": 8, "prompt": f"question-{n}? " + "x" * 1_000_000}) + "\n")
        run = self.start("input.jsonl", "--progress", "none")
        self.assertTrue(harness.wait_until(lambda: mock.count("completed") > 250, 60))
        peak_kb = self.peak_kb(run)
        _, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(300)])
        self.assertLess(peak_kb, MEMORY_KB)

    @unittest.skipIf(harness.SANITIZED, "sanitizers take memory themselves, and end a program that gets none")
    def test_what_nobody_expected_ends_the_run_and_the_next_goes_on(self):
        """Real: the kernel gives no more memory, at a moment when ever larger rows need it."""
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 100}}})
        self.config(mock)
        with (self.folder / "input.jsonl").open("w") as file:
            for n in range(12):
                file.write(json.dumps({"custom_id": f"row-{n}", "max_tokens": 8, "prompt": f"question-{n}? " + "x" * (n * 500_000)}) + "\n")
        run = self.start("input.jsonl", "-j", "1", "--progress", "none")
        self.assertTrue(harness.wait_until(lambda: mock.count("completed") > 1))
        resource.prlimit(run.pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1, err)
        self.assertIn("can be resumed", err)
        done = len(self.lines("input.results.jsonl"))
        self.assertLess(done, 12)
        before = mock.count("requests")
        code, _, err = self.run_batch("input.jsonl", timeout=60)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(12)])
        self.assertEqual(mock.count("requests") - before, 12 - done)

    def test_no_core_and_no_key_in_its_arguments(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 300}}})
        self.config(mock)
        self.rows(8)
        run = self.start("input.jsonl", "-j", "1")
        self.assertTrue(harness.wait_until(lambda: mock.count("admitted") > 0))
        limits = pathlib.Path(f"/proc/{run.pid}/limits").read_text()
        # One byte: with none, a core may still be handed to a program that collects them (core(5)).
        self.assertRegex(limits, r"Max core file size +1 +1 ")
        self.check_no_secret(pathlib.Path(f"/proc/{run.pid}/cmdline").read_text())
        for path in self.folder.glob("input.*"):
            if path.name != "input.jsonl":
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path.name)
        self.assertEqual(run.wait(30), 0)


if __name__ == "__main__":
    harness.main()

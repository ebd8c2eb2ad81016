"""What bad things get: a clear message, a true exit code, and no row lost or doubled."""
import json
import signal
import time

import harness
from harness import wait_until


class Refusals(harness.Case):
    """Everything that cannot be meant is refused before anything is sent: exit 2, place and hint."""

    def refused(self, *args, says, hint=True, env=None):
        code, out, err = self.run_batch(*args, **({"env": env} if env else {}))
        self.assertEqual(code, 2, err)
        self.assertEqual(out, "")
        self.assertIn("error:", err)
        self.assertIn(says, err)
        if hint:
            self.assertIn("hint:", err)
        self.check_no_secret(out, err)

    def test_each_kind_of_mistake(self):
        mock = self.mock()
        config = self.config(mock)
        self.rows(3)
        self.refused("input.jsonl", "--strem", "never", says="--stream")
        self.refused("inptu.jsonl", says="input.jsonl")
        self.refused("input.jsonl", "--strategy", "fastest", says="fastest")
        self.refused("input.jsonl", "-j", "many", says="many")
        self.refused("input.jsonl", "-o", "input.jsonl", says="input")
        (self.folder / "link.jsonl").symlink_to("input.jsonl")
        self.refused("input.jsonl", "-o", "link.jsonl", says="input")
        self.refused(".", says="directory")
        (self.folder / "wide.jsonl").write_bytes("{}".encode("utf-16"))
        self.refused("wide.jsonl", says="UTF-16")
        config.write_text('{\n  "providers": {\n    "openai": {"kyes": []}\n  }\n}\n')
        self.refused("input.jsonl", says="batchrun.json:3:")
        config.write_text('{"providers": {"openai": {"keys": ["k"] ')
        self.refused("input.jsonl", says="batchrun.json:1:")
        config.write_text('{"providers": {"openai": {"keys": [{"key": "env:NOT_SET_ANYWHERE"}]}}}')
        self.refused("input.jsonl", says="NOT_SET_ANYWHERE")
        self.config(mock).chmod(0o644)
        self.refused("input.jsonl", says="open to others")
        config.unlink()
        self.refused("input.jsonl", says="key")
        self.assertEqual(mock.count("requests"), 0)
        self.assertFalse((self.folder / "input.results.jsonl").exists())


class Resume(harness.Case):
    def test_torn_and_foreign_bytes_are_repaired(self):
        mock = self.mock()
        self.config(mock)
        self.rows(50)
        self.assertEqual(self.run_batch("input.jsonl")[0], 0)
        path = self.folder / "input.results.jsonl"
        text = path.read_bytes()
        path.write_bytes(text[:len(text) // 2] + b"\0" * 512)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(50)])

    def test_a_changed_row_and_another_input_are_asked_about(self):
        mock = self.mock()
        self.config(mock)
        path = self.rows(5)
        self.assertEqual(self.run_batch("input.jsonl")[0], 0)
        sent = mock.count("requests")
        path.write_text(path.read_text().replace("question-3?", "question-3? again"))
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 2, err)
        self.assertIn("--changed=rerun", err)
        self.assertEqual(mock.count("requests"), sent)
        self.assertEqual(self.run_batch("input.jsonl", "--changed=keep")[0], 0)
        self.assertEqual(mock.count("requests"), sent)
        self.rows(5, start=100)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 2, err)
        self.assertIn("--fresh", err)


class Faults(harness.Case):
    def test_a_mixed_bag_of_faults_loses_nothing(self):
        names = ["status_500", "status_502_html", "status_503_empty", "status_529", "rate_limit_429", "html_200", "empty_200",
                 "error_200", "reset_before_head", "reset_in_head", "reset_in_body", "close_before_head", "truncated_chunked",
                 "bad_chunk_size", "eof_without_done", "error_first_event", "error_mid_stream",
                 "malformed_json_event", "keepalive_close", "http10_close", "continue_100", "slice", "choices_empty_first",
                 "done_keeps_open", "finish_keeps_open", "no_usage", "gzip_body", "huge_event"]
        faults = [{"fault": name, "probability": 0.004, "bytes": 2_000_000 if name == "huge_event" else 0} for name in names]
        mock = self.mock({"seed": 5, "faults": faults, "latency": {"first_chunk_ms": {"kind": "fixed", "ms": 3}}})
        self.config(mock)
        self.rows(1500)
        code, out, err = self.run_batch("input.jsonl", "-j", "64", "--max-attempts", "12", timeout=100)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(1500)])
        self.check_no_secret(out, err)

    def test_a_stream_that_is_held_open_after_its_finish_is_an_answer(self):
        """Within the few seconds in which usage may follow, not the minute of silence, and nothing is sent twice."""
        mock = self.mock({"faults": [{"fault": "finish_keeps_open"}]})
        path = self.config(mock, default_model=None)
        config = json.loads(path.read_text())
        del config["providers"]["openai"]["default_model"]
        config["providers"]["gemini"] = {"base_url": mock.url, "keys": [{"key": "canary-gemini"}]}
        path.write_text(json.dumps(config))
        rows = [{"custom_id": f"row-{i}", "prompt": f"question-{i}?", "max_tokens": 8,
                 "model": ["openai/gpt-4o-mini", "gemini/gemini-2.5-flash"][i % 2]} for i in range(10)]
        (self.folder / "input.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        begun = time.time()
        code, _, err = self.run_batch("input.jsonl", "--stream", "always", timeout=30)
        self.assertEqual(code, 0, err)
        self.assertLess(time.time() - begun, 20)
        self.check_each_row_once([f"row-{i}" for i in range(10)])
        self.assertEqual(mock.count("requests"), 10)
        for line in self.lines("input.results.jsonl"):
            self.assertGreater(line["batchrun"]["output_tokens"], 0)
            self.assertAlmostEqual(line["response"]["body"]["created"], begun, delta=30)

    def test_a_key_that_is_refused_is_left_out(self):
        mock = self.mock({"keys": [{"key": harness.KEYS[0], "organisation": "a"}]})
        self.config(mock)
        self.rows(40)
        code, _, err = self.run_batch("input.jsonl", timeout=60)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(40)])
        self.assertEqual({l["batchrun"]["key"] for l in self.lines("input.results.jsonl")}, {"openai-1"})

    def test_no_usable_key_stops_the_run_and_burns_no_row(self):
        mock = self.mock({"keys": [{"key": "somebody-else", "organisation": "a"}],
                          "faults": [{"fault": "unauthorized", "echo_key": True}]})
        self.config(mock)
        self.rows(40)
        code, out, err = self.run_batch("input.jsonl", timeout=60)
        self.assertEqual(code, 4, err)
        self.assertEqual(self.lines("input.results.jsonl") + self.lines("input.errors.jsonl"), [])
        self.check_no_secret(out, err)

    def test_waits_for_a_provider_that_is_down_and_says_why(self):
        gone = self.mock()
        port = gone.port
        self.config(gone)
        gone.stop()
        self.rows(20)
        run = self.start("input.jsonl", "--progress", "plain")
        time.sleep(6)
        self.assertIsNone(run.poll(), "the run waits")
        self.mock({}, port=port)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(20)])
        self.assertRegex(err, "waiting")

    def test_one_group_s_quota_is_kept_and_429s_lose_nothing(self):
        mock = self.mock({"keys": [{"key": k, "organisation": "one"} for k in harness.KEYS],
                          "organisations": {"one": {"rpm": 1200}}})
        config = self.config(mock, rate_limit={"requestsPerMinute": 1200})
        config.write_text(config.read_text().replace("org-1", "org-0"))
        self.rows(60)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        self.assertEqual(mock.count("refused"), 0)


class Interruptions(harness.Case):
    def slow_run(self, rows=200, ms=300):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": ms}}})
        self.config(mock)
        self.rows(rows)
        run = self.start("input.jsonl", "-j", "8", "--progress", "plain")
        self.assertTrue(wait_until(lambda: mock.count("completed") > 8))
        return mock, run

    def test_first_signal_drains_and_says_how_to_go_on(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(signal=number):
                mock, run = self.slow_run()
                run.send_signal(number)
                out, err = run.communicate(timeout=20)
                self.assertEqual(run.returncode, code, err)
                self.assertIn("draining", err)
                self.assertIn("batchrun input.jsonl", err)
                answered = len(self.lines("input.results.jsonl"))
                self.assertEqual(answered, mock.count("completed"), "what was in flight was finished")
                code, _, err = self.run_batch("input.jsonl")
                self.assertEqual(code, 0, err)
                self.check_each_row_once([f"row-{i}" for i in range(200)])
                self.assertEqual(mock.count("requests"), 200, "nothing was sent twice")
                for path in self.folder.glob("input.*"):
                    path.unlink()

    def test_second_signal_aborts(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 20000}}})
        self.config(mock)
        self.rows(20)
        run = self.start("input.jsonl", "-j", "8", "--progress", "plain")
        self.assertTrue(wait_until(lambda: mock.count("requests") >= 8))
        run.send_signal(signal.SIGINT)
        time.sleep(0.4)
        self.assertIsNone(run.poll())
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
        self.assertEqual(run.returncode, 130)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.lines("input.results.jsonl") + self.lines("input.errors.jsonl"), [])

    def test_status_on_request(self):
        _, run = self.slow_run()
        run.send_signal(signal.SIGUSR1)
        time.sleep(0.3)
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=20)
        self.assertIn("/200", err)

    def test_limits_of_the_run_leave_it_resumable(self):
        mock = self.mock({"latency": {"first_chunk_ms": {"kind": "fixed", "ms": 50}}})
        self.config(mock)
        self.rows(300)
        self.assertEqual(self.run_batch("input.jsonl", "--max-rows", "10")[0], 5)
        self.assertEqual(len(self.lines("input.results.jsonl")), 10)
        code, _, err = self.run_batch("input.jsonl", "--deadline", "500ms", "-j", "4")
        self.assertEqual(code, 5, err)
        self.assertLess(len(self.lines("input.results.jsonl")), 300)
        self.assertEqual(self.run_batch("input.jsonl")[0], 0)
        self.check_each_row_once([f"row-{i}" for i in range(300)])

    def test_too_many_failures_stop_the_run(self):
        mock = self.mock({"faults": [{"fault": "bad_request", "probability": 0.5}],
                          "latency": {"first_chunk_ms": {"kind": "fixed", "ms": 5}}})
        self.config(mock)
        self.rows(3000)
        code, _, err = self.run_batch("input.jsonl", "--max-error-rate", "10%", "-j", "8")
        self.assertEqual(code, 5, err)
        self.assertLess(mock.count("requests"), 2000)


if __name__ == "__main__":
    harness.main()

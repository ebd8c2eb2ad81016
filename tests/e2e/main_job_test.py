"""The main job as a user does it: rows in, one line for each out."""
import gzip
import json
import os
import ssl
import sys

import harness


class MainJob(harness.Case):
    def test_every_shape_of_row_is_answered(self):
        mock = self.mock()
        self.config(mock)
        rows = [
            {"custom_id": "row-1", "method": "POST", "url": "/v1/chat/completions",
             "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "question-1?"}], "max_tokens": 9}},
            {"custom_id": "row-2", "model": "gpt-4o", "messages": [{"role": "user", "content": "question-2?"}]},
            {"id": "row-3", "prompt": "question-3?", "system": "Be brief.", "max_tokens": 9, "metadata": {"user_id": "u1"}},
            {"prompt": "question-4?", "provider": "openai", "model": "openai/gpt-4o-mini", "max_tokens": 9},
        ]
        text = "\ufeff" + "\r\n".join(json.dumps(row) for row in rows[:2]) + "\n\n  \n" + "\n".join(json.dumps(r) for r in rows[2:])
        (self.folder / "input.jsonl").write_text(text, encoding="utf-8")
        code, out, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        self.assertEqual(out, "")
        lines = {line["custom_id"]: line for line in self.lines("input.results.jsonl")}
        self.assertEqual(len(lines), 4)
        self.assertEqual(lines["row-2"]["batchrun"]["model"], "gpt-4o")
        self.assertEqual(lines["row-2"]["batchrun"]["row"], 2)
        self.assertEqual(lines["row-3"]["batchrun"]["row"], 5)
        self.assertEqual(lines["row-3"]["batchrun"]["metadata"], {"user_id": "u1"})
        for line in lines.values():
            body = line["response"]["body"]
            self.assertEqual(line["response"]["status_code"], 200)
            self.assertEqual(body["object"], "chat.completion")
            self.assertEqual(line["batchrun"]["input_tokens"], body["usage"]["prompt_tokens"])
            self.assertEqual(line["batchrun"]["output_tokens"], body["usage"]["completion_tokens"])
            self.assertIn(line["batchrun"]["key"], ("openai-1", "openai-2"))
        made = [i for i in lines if not i.startswith("row-")] + [i for i in lines if len(i) > 10]
        self.assertTrue(made, "a row without an id gets one")
        report = json.loads((self.folder / "input.report.json").read_text())
        self.assertEqual(report["schema_version"], 1)
        for file in ("results", "errors"):
            path = self.folder / report["files"][file]
            self.assertEqual(report["files"][f"{file}_bytes"], path.stat().st_size if path.exists() else 0)
        self.check_no_secret(out, err)

    def test_plain_and_streamed_answers_say_the_same(self):
        mock = self.mock({"answer": {"tokens": 8}})
        self.config(mock)
        self.rows(30)
        for mode in ("always", "never"):
            code, _, err = self.run_batch("input.jsonl", "--stream", mode, "-o", f"{mode}.jsonl", "--errors", f"{mode}.err")
            self.assertEqual(code, 0, err)
        def content(name):
            return {l["custom_id"]: l["response"]["body"]["choices"][0]["message"]["content"] for l in self.lines(name)}
        self.assertEqual(content("always.jsonl"), content("never.jsonl"))
        self.assertEqual(len(content("always.jsonl")), 30)
        self.assertGreaterEqual(mock.count("streamed"), 30)

    def test_compressed_input_and_stdin(self):
        mock = self.mock()
        self.config(mock)
        plain = self.rows(20)
        with gzip.open(self.folder / "packed.jsonl.gz", "wb") as file:
            file.write(plain.read_bytes())
        code, _, err = self.run_batch("packed.jsonl.gz")
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(20)], "packed.results.jsonl", "packed.errors.jsonl")
        code, out, err = self.run_batch("-", "-q", stdin=plain.read_text())
        self.assertEqual(code, 0, err)
        self.assertEqual(sorted(json.loads(l)["custom_id"] for l in out.splitlines()), sorted(f"row-{i}" for i in range(20)))
        self.assertEqual(err, "")

    def test_an_input_without_rows_says_so(self):
        self.config(self.mock())
        for text in ("", "\n \n\r\n", "\ufeff"):
            (self.folder / "input.jsonl").write_text(text)
            code, _, err = self.run_batch("input.jsonl")
            self.assertEqual(code, 0, err)
            self.assertIn("note: input.jsonl has no rows", err)
        code, _, err = self.run_batch("-", stdin="")
        self.assertEqual(code, 0, err)
        self.assertIn("note: stdin has no rows", err)
        self.rows(1)
        self.assertNotIn("no rows", self.run_batch("input.jsonl")[2])

    def test_a_process_substitution_is_read_as_stdin_is(self):
        self.config(self.mock())
        self.rows(5)
        before = sorted(path.name for path in self.folder.iterdir())
        # What bash makes of <(cat input.jsonl).
        reading, writing = os.pipe()
        os.write(writing, (self.folder / "input.jsonl").read_bytes())
        os.close(writing)
        code, out, err = self.run_batch(f"/dev/fd/{reading}", pass_fds=(reading,))
        os.close(reading)
        self.assertEqual(code, 0, err)
        self.assertEqual(sorted(json.loads(line)["custom_id"] for line in out.splitlines()), [f"row-{i}" for i in range(5)])
        self.assertEqual(sorted(path.name for path in self.folder.iterdir() if path.name != "state"), before)

    def test_another_output_has_files_of_its_own(self):
        """A second run of an input must not take the first one's failed rows for its own, or empty their file."""
        self.config(self.mock({"faults": [{"fault": "bad_request", "contains": "question-2?"}]}))
        self.rows(5)
        self.assertEqual(self.run_batch("input.jsonl")[0], 3)
        first = {path.name: path.read_bytes() for path in self.folder.glob("input.*")}
        for options in ([], ["--fresh"]):
            code, _, err = self.run_batch("input.jsonl", "-o", "other.jsonl", *options)
            self.assertEqual(code, 3, err)
            self.check_each_row_once([f"row-{i}" for i in range(5)], "other.jsonl", "other.errors.jsonl")
            self.assertTrue((self.folder / "other.report.json").exists())
            self.assertEqual(first, {path.name: path.read_bytes() for path in self.folder.glob("input.*")})

    def test_keys_from_the_environment_alone(self):
        mock = self.mock()
        self.rows(5)
        environment = self.environment()
        environment.update(OPENAI_API_KEYS="k-a, 'k-b'", OPENAI_BASE_URL=f"{mock.url}/v1", OPENAI_MODEL_0="gpt-4o-mini")
        code, _, err = self.run_batch("input.jsonl", "-m", "gpt-4o-mini", env=environment)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(5)])

    def test_groq_and_cerebras_speak_too(self):
        for flavour, base in (("groq", "/openai/v1"), ("cerebras", "/v1")):
            mock = self.mock({"flavour": flavour})
            (self.folder / "batchrun.json").write_text(json.dumps({"providers": {flavour: {
                "base_url": mock.url + base, "default_model": "llama-3.1-8b", "keys": ["env:K"]}}}))
            self.rows(10, f"{flavour}.jsonl")
            environment = self.environment()
            environment["K"] = harness.KEYS[0]
            for mode in ("always", "never"):
                code, _, err = self.run_batch(f"{flavour}.jsonl", "--stream", mode, "--fresh", env=environment)
                self.assertEqual(code, 0, err)
                self.check_each_row_once([f"row-{i}" for i in range(10)], f"{flavour}.results.jsonl", f"{flavour}.errors.jsonl")
                for line in self.lines(f"{flavour}.results.jsonl"):
                    self.assertGreater(line["batchrun"]["output_tokens"], 0)

    def test_bad_rows_get_error_lines_with_their_place(self):
        mock = self.mock()
        self.config(mock)
        (self.folder / "input.jsonl").write_bytes(
            b'{"custom_id":"row-1","prompt":"question-1?"}\n'
            b'{"custom_id":"row-2","prompt":"question-2?\n'
            b'[1,2]\n'
            b'{"custom_id":"row-4","prompt":"bad \xff byte"}\n'
            b'{"custom_id":"row-1","prompt":"again"}\n'
            b'{"custom_id":"row-6","prompt":"x","base_url":"http://evil.test"}\n'
            b'{"custom_id":"row-7","url":"http://evil.test/v1/chat/completions","body":{"messages":[]}}\n'
            b'{"custom_id":"row-8","prompt":"question-8?"}')
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 3, err)
        self.assertEqual(sorted(l["custom_id"] for l in self.lines("input.results.jsonl")), ["row-1", "row-8"])
        errors = {l["batchrun"]["row"]: l for l in self.lines("input.errors.jsonl")}
        self.assertEqual(sorted(errors), [2, 3, 4, 5, 6, 7])
        for line in errors.values():
            self.assertFalse(line["batchrun"]["ok"])
            self.assertTrue(line["error"]["message"])
        self.assertEqual(errors[2]["error"]["code"], "invalid_row")
        self.assertEqual(errors[5]["error"]["code"], "duplicate_custom_id")
        self.assertIn("1", errors[5]["error"]["message"])
        self.assertEqual(mock.count("requests"), 2)
        # The same again: nothing is sent, nothing is written, and the exit code still tells of the failures.
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 3, err)
        self.assertEqual(len(self.lines("input.errors.jsonl")), 6)
        self.assertEqual(mock.count("requests"), 2)

    def test_the_errors_file_is_a_valid_input(self):
        mock = self.mock({"faults": [{"fault": "bad_request", "times": 3}]})
        self.config(mock)
        self.rows(10)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 3, err)
        self.assertEqual(len(self.lines("input.errors.jsonl")), 3)
        code, _, err = self.run_batch("input.errors.jsonl", "-o", "again.jsonl")
        self.assertEqual(code, 0, err)
        first = {l["custom_id"] for l in self.lines("input.errors.jsonl")}
        self.assertEqual({l["custom_id"] for l in self.lines("again.jsonl")}, first)
        code, _, err = self.run_batch("input.jsonl", "--retry-failed")
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(10)])

    def test_plan_sends_nothing(self):
        mock = self.mock()
        self.config(mock)
        self.rows(25)
        code, out, err = self.run_batch("plan", "input.jsonl")
        self.assertEqual(code, 0, err)
        self.assertIn("25 usable", out)
        self.assertEqual(mock.count("requests"), 0)
        self.assertFalse((self.folder / "input.results.jsonl").exists())

    def test_tls_with_its_own_authority(self):
        ca = self.folder / "ca.pem"
        mock = self.mock({}, "--tls", "--ca-out", str(ca))
        self.rows(10)
        self.config(mock, ca_file=str(ca))
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(10)])

    def test_progress_in_each_form(self):
        mock = self.mock()
        self.config(mock)
        self.rows(10)
        code, _, err = self.run_batch("input.jsonl", "--progress", "json", "--fresh")
        self.assertEqual(code, 0, err)
        self.assertTrue(any(line.startswith("{") and json.loads(line) for line in err.splitlines()), err)
        code, _, err = self.run_batch("input.jsonl", "--progress", "none", "-q", "--fresh")
        self.assertEqual((code, err), (0, ""))


if __name__ == "__main__":
    harness.main()

"""The keys verbs: what is configured is listed, what a provider says of it is told, and no key is ever shown."""
import json
import re
import socket
import time

import harness

CANARY = "canary-key-three-5d2c7e"
harness.KEYS.append(CANARY)


class Keys(harness.Case):
    def pool(self, keys):
        mock = self.mock({"keys": [{"key": key, "organisation": f"org-{n}"} for n, key in enumerate(keys)]})
        self.config(mock, harness.KEYS[:2])
        return mock

    def test_lists_every_key_and_sends_nothing(self):
        mock = self.pool(harness.KEYS[:2])
        environment = self.environment()
        environment.update(ANTHROPIC_API_KEY=CANARY)
        code, out, err = self.run_batch("keys", env=environment)
        self.assertEqual(code, 0, err)
        rows = [line.split()[0] for line in out.splitlines()]
        self.assertEqual(rows, ["key", "openai-1", "openai-2", "anthropic-1"])
        self.assertEqual(mock.count("connections"), 1, "only the question itself")
        self.check_no_secret(out, err)

    def test_says_when_there_is_no_key_to_use(self):
        code, out, err = self.run_batch("keys")
        self.assertEqual((code, out), (4, ""))
        self.assertIn("OPENAI_API_KEY", err)
        keys = [{"key": "env:SPARE_KEY", "enabled": False}]
        (self.folder / "batchrun.json").write_text(json.dumps({"providers": {"gemini": {"keys": keys}}}))
        environment = self.environment()
        environment.update(SPARE_KEY=CANARY)
        for verb in (["keys"], ["keys", "check"]):
            code, out, err = self.run_batch(*verb, env=environment)
            self.assertEqual(code, 4, err)
            self.assertIn("gemini-1", out)
            self.check_no_secret(out, err)

    def test_checks_each_key_once_without_spending_tokens(self):
        mock = self.pool(harness.KEYS[:2])
        code, out, err = self.run_batch("keys", "check")
        self.assertEqual(code, 0, err)
        lines = out.splitlines()
        self.assertEqual(len(lines), 3, out)
        self.assertRegex(lines[1], r"^openai-1 .* ok +200 .* org-0 ")
        self.assertRegex(lines[2], r"^openai-2 .* ok +200 .* org-1 ")
        counters = mock.counters()
        self.assertEqual(counters["requests"], 0, "no completion is asked for")
        self.assertEqual(counters["with_credentials"], 2)
        self.check_no_secret(out, err)

    def test_tells_bad_keys_and_dead_providers_by_exit_code(self):
        mock = self.pool(harness.KEYS[:1])
        code, out, err = self.run_batch("keys", "check")
        self.assertEqual(code, 3, err)
        self.assertRegex(out, r"openai-2 .* unauthorized +401")
        self.check_no_secret(out, err)
        mock.stop()
        code, out, err = self.run_batch("keys", "check")
        self.assertEqual(code, 4, err)
        self.assertEqual(out.count("unreachable"), 2)
        self.assertIn("no key can be used", err)
        self.check_no_secret(out, err)

    def test_ollama_needs_no_key(self):
        mock = self.mock({"anonymous": True})
        environment = self.environment()
        environment.update(OLLAMA_HOST=f"127.0.0.1:{mock.port}", OLLAMA_MODEL_0="gpt-4o-mini")
        code, out, err = self.run_batch("keys", "check", env=environment)
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"ollama-1 .* ok +200")
        self.assertEqual(mock.count("with_credentials"), 0)
        self.rows(5)
        code, _, err = self.run_batch("input.jsonl", env=environment)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(5)])

    def test_a_server_that_says_nothing_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            environment = self.environment()
            environment.update(OPENAI_API_KEY=CANARY, OPENAI_BASE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
            begun = time.monotonic()
            code, out, err = self.run_batch("keys", "check", env=environment)
            self.assertEqual(code, 4, err)
            self.assertLess(time.monotonic() - begun, 15)
            self.assertIn("unreachable", out)
            self.check_no_secret(out, err)

    def test_every_setting_is_printed_with_its_origin_and_nothing_is_sent(self):
        mock = self.pool(harness.KEYS[:2])
        (self.folder / ".env").write_text(f"GROQ_API_KEYS={CANARY}\nANTHROPIC_API_KEY={CANARY}\n")
        self.rows(3)
        environment = self.environment()
        environment.update(OPENAI_KEY_ROTATION_STRATEGY="round-robin", OPENAI_API_KEY_1=CANARY + "-x")
        for args in (["input.jsonl"], ["plan", "input.jsonl"], []):
            code, out, err = self.run_batch(*args, "--print-config", "--max-rows", "2", env=environment)
            self.assertEqual((code, err), (0, ""))
            object_ = json.loads(re.sub(r"(^|  )//.*", "", out, flags=re.M))
            self.assertEqual(object_["strategy"], "round-robin")
            self.assertEqual([key["name"] for key in object_["providers"]["openai"]["keys"]],
                             ["openai-1", "openai-2", "openai-3"])
            for line in ('"strategy": "round-robin",  // OPENAI_KEY_ROTATION_STRATEGY', '"key": "(set)",  // batchrun.json:1:',
                         '"key": "(set)",  // GROQ_API_KEYS in .env', '"key": "env:OPENAI_API_KEY_1",  // OPENAI_API_KEY_1',
                         '"tier": 2,  // default', "--max-rows         2                              command line"):
                self.assertIn(line, out)
            self.assertNotIn(CANARY, out)
        self.assertEqual(mock.count("connections"), 1, "only the question itself")
        self.assertEqual(list(self.folder.glob("input.*")), [self.folder / "input.jsonl"])

    def test_what_is_printed_is_a_config_file(self):
        self.mock()
        environment = self.environment()
        environment.update(OPENAI_API_KEY=CANARY, OPENAI_MAX_TOKENS_PER_MINUTE_0="90000", OLLAMA_HOST="gpu-box")
        _, first, err = self.run_batch("--print-config", env=environment)
        (self.folder / "printed.json").write_text(first)
        code, second, err = self.run_batch("--print-config", "-c", "printed.json", env=environment)
        self.assertEqual(code, 0, err)
        bare = [re.sub("(^|  )//.*", "", text, flags=re.M).split() for text in (first, second)]
        self.assertEqual(bare[0], bare[1])


if __name__ == "__main__":
    harness.main()

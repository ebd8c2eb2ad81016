"""A whole mixed pool on one machine: eight providers, twenty keys, faults of every kind; and the samples as the README
shows them."""
import json
import os
import pathlib
import random
import re
from decimal import Decimal

import harness

TOP = pathlib.Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("BATCHRUN_MIXED_ROWS", "10000"))

# By the start of its key: the provider's name here, and how the simulated one speaks.
PROVIDERS = {"sk-mixed": "openai", "sk-ant": "anthropic", "AIza": "gemini", "gsk": "groq", "csk": "cerebras",
             "serpapi": "serpapi", "serper": "serper"}
DEFAULTS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash",
            "groq": "llama-3.1-8b-instant", "cerebras": "gpt-oss-120b", "ollama": "llama3.2"}
# After each of these the row must be sent again; the answer of the rest is whole all the same.
FAILING = ["status_500", "status_502_html", "status_503_empty", "status_529", "html_200", "empty_200", "error_200",
           "error_first_event", "error_mid_stream", "eof_without_done", "malformed_json_event", "truncated_chunked",
           "bad_chunk_size", "reset_in_head", "reset_in_body", "gzip_body", "rate_limit_429"]
# A kept connection that ends before a reply is tried again without anybody hearing of it.
UNHEARD = ["reset_before_head", "close_before_head"]
# Not "slice": who leaves at the end mark has not read the last bytes, which the simulated provider takes for a client
# that left early, and writes off.
HARMLESS = ["comments", "crlf", "continue_100", "http10_close", "keepalive_close"]


def json_with_comments(text):
    return json.loads(re.sub(r"(^|\s)//.*", "", text, flags=re.M))


def sample_keys():
    lines = (TOP / "samples/mixed.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class MixedPool(harness.Case):
    def scenario(self, **more):
        """Every key of the samples with its organisation, without limits."""
        keys, organisations = [], {"local": {"flavour": "ollama"}}
        for name, key in sample_keys().items():
            provider = next(p for start, p in PROVIDERS.items() if key.startswith(start))
            organisation = name.removeprefix("MIXED_").rstrip("12").lower()
            keys.append({"key": key, "organisation": organisation})
            organisations[organisation] = {"flavour": provider}
        return {"seed": 7, "keys": keys, "organisations": organisations, **more}

    def pool(self, mock, limited=False):
        text = (TOP / "samples/mixed.config.json").read_text().replace(":18080", f":{mock.port}")
        if not limited:
            text = re.sub(r'"(requestsPerMinute|inputTokensPerMinute|maxConcurrent)": \d+', r'"\1": 0', text)
        path = self.folder / "batchrun.json"
        path.write_text(text)
        path.chmod(0o600)
        (self.folder / ".env").write_text((TOP / "samples/mixed.env").read_text())

    def mixed_rows(self):
        """Rows of every shape, mostly plain ones; by id: (marker, provider or None for any, model or None)."""
        dice = random.Random(11)
        wanted = {}
        with (self.folder / "input.jsonl").open("w") as file:
            for i in range(ROWS):
                mark = f"[[row-{i}]] say something"
                row, provider, model = {"custom_id": f"row-{i}", "max_tokens": 24}, None, None
                kind = dice.random()
                if kind < 0.5:
                    row["prompt"] = mark
                elif kind < 0.8:
                    provider = dice.choice(list(DEFAULTS))
                    model = DEFAULTS[provider]
                    row["model"] = model if dice.random() < 0.5 else f"{provider}/{model}"
                    row["messages"] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": mark}]
                elif kind < 0.84:
                    provider, model = "anthropic", DEFAULTS["anthropic"]
                    row = {"custom_id": f"row-{i}", "url": "/v1/messages", "body": {
                        "model": model, "max_tokens": 24, "messages": [{"role": "user", "content": mark}]}}
                elif kind < 0.88:
                    provider, model = "gemini", DEFAULTS["gemini"]
                    row = {"custom_id": f"row-{i}", "url": f"/v1beta/models/{model}:generateContent", "body": {
                        "contents": [{"role": "user", "parts": [{"text": mark}]}], "generationConfig": {"maxOutputTokens": 24}}}
                elif kind < 0.92:
                    provider, model = "openai", DEFAULTS["openai"]
                    row = {"custom_id": f"row-{i}", "url": "/v1/responses", "body": {
                        "model": model, "input": mark, "max_output_tokens": 24}}
                elif kind < 0.95:
                    provider, model = "ollama", DEFAULTS["ollama"]
                    row = {"custom_id": f"row-{i}", "url": "/api/chat", "body": {
                        "model": model, "messages": [{"role": "user", "content": mark}], "options": {"num_predict": 24}}}
                else:
                    row = {"custom_id": f"row-{i}", "query": mark, "num": 5}
                    model = ""
                wanted[f"row-{i}"] = (provider, model)
                file.write(json.dumps(row) + "\n")
        return wanted

    def text_of(self, body):
        """What was generated, in whichever words the body has it."""
        if "choices" in body:
            return body["choices"][0]["message"]["content"]
        if body.get("type") == "message":
            return "".join(block["text"] for block in body["content"] if block["type"] == "text")
        if "candidates" in body:
            return "".join(part["text"] for part in body["candidates"][0]["content"]["parts"] if not part.get("thought"))
        if body.get("object") == "response":
            return "".join(part["text"] for item in body["output"] if item["type"] == "message" for part in item["content"])
        if "message" in body:
            return body["message"]["content"]
        return (body.get("organic_results") or body["organic"])[0]["title"]

    def texts(self, results, wanted):
        """What models generated, by row. It depends on the prompt only, whoever answers; what a search finds, on whom."""
        return {line["custom_id"]: self.text_of(line["response"]["body"])
                for line in self.lines(results) if wanted[line["custom_id"]][1] != ""}

    def texts_without_faults(self, wanted):
        mock = self.mock(self.scenario())
        self.pool(mock)
        code, _, err = self.run_batch("input.jsonl", "-o", "untroubled.jsonl", "-j", "128", timeout=250)
        self.assertEqual(code, 0, err)
        return self.texts("untroubled.jsonl", wanted)

    def keys_of_the_pool(self):
        """In the order of the config, which is the report's. Ollama has none, by which the simulated provider knows it."""
        config = json_with_comments((TOP / "samples/mixed.config.json").read_text())
        named = [key if isinstance(key, str) else key.get("key", "") for p in config["providers"].values() for key in p["keys"]]
        return [sample_keys().get(name.removeprefix("env:"), "") for name in named]

    def assert_blamed_for_its_own(self, key, struck):
        """What struck a key's requests is what it is blamed for: no more, but for what may be sent again unheard, and no less."""
        blamed = key["faults"] + key["rate_limited"]
        heard = sum(struck.get(name, 0) for name in FAILING)
        unheard = sum(struck.get(name, 0) for name in UNHEARD)
        self.assertTrue(heard <= blamed <= heard + unheard, f"{key['key']}: {heard} + {unheard} struck, {blamed} blamed: {struck}")

    def bill(self, mock):
        """What the providers would charge, by their own counts and the program's own price list."""
        prices = {(m["provider"], m["id"]): m for m in json_with_comments((TOP / "runner/prices.json").read_text())["models"]}
        total = Decimal(0)
        for key, party in mock.counters()["by_key"].items():
            provider = next((p for start, p in PROVIDERS.items() if key.startswith(start)), "ollama")
            for model, used in party["models"].items():
                price = prices.get((provider, model))
                if price is None:
                    continue
                cached = price.get("cached_input")
                each = {k: Decimal(str(price.get(k) or 0)) for k in ("input", "output")}
                each["cached"] = each["input"] if cached is None else Decimal(str(cached))
                total += (used["input_tokens"] - used["cached_tokens"]) * each["input"]
                total += used["cached_tokens"] * each["cached"] + used["output_tokens"] * each["output"]
        return total / 1_000_000

    def test_every_row_is_answered_once_by_whom_it_asked(self):
        share = 0.05 / len(FAILING + UNHEARD + HARMLESS)
        faults = [{"fault": name, "probability": share} for name in FAILING + UNHEARD + HARMLESS]
        for fault in faults:
            if fault["fault"] == "rate_limit_429":
                fault.update(retry_after="fraction", seconds=0.2)
        mock = self.mock(self.scenario(faults=faults, answer={"cached_share": 0.25}, latency={
            "first_chunk_ms": {"kind": "uniform", "min_ms": 1, "max_ms": 20}}))
        self.pool(mock)
        wanted = self.mixed_rows()
        code, out, err = self.run_batch("input.jsonl", "-j", "128", "--max-attempts", "12", timeout=250)
        self.assertEqual(code, 0, err)
        lines = self.lines("input.results.jsonl")
        self.assertEqual(sorted(line["custom_id"] for line in lines), sorted(wanted))
        cost, searches = Decimal(0), 0
        for line in lines:
            about, (provider, model) = line["batchrun"], wanted[line["custom_id"]]
            self.assertIn(line["custom_id"], self.text_of(line["response"]["body"]), "another row's answer")
            if model == "":
                self.assertIn(about["provider"], ("serpapi", "serper"))
                searches += 1
                continue
            self.assertIn(about["provider"], [provider] if provider else list(DEFAULTS))
            self.assertEqual(about["model"], model or DEFAULTS[about["provider"]])
            self.assertNotIn("usage_estimated", about, line)
            cost += Decimal(repr(about["cost_usd"]))
        self.assertEqual(round(cost, 9), round(self.bill(mock), 9))
        report = json.loads((self.folder / "input.report.json").read_text())
        self.assertAlmostEqual(report["cost"]["total_usd"], float(cost), places=9)
        self.assertEqual(report["cost"]["rows_without_price"], searches)
        counters = mock.counters()
        self.assertGreater(len(counters["faults"]), 18, "nearly every kind has struck")
        for key, in_report in zip(self.keys_of_the_pool(), report["keys"], strict=True):
            self.assert_blamed_for_its_own(in_report, counters["by_key"].get(key, {"faults": {}})["faults"])
        # A key is out after three faults in a row. They strike by chance, so that one key may have met three.
        out_of_use = [key for key in report["keys"] if key["state"] == "unavailable"]
        self.assertTrue(len(out_of_use) <= 1 and all(key["faults"] >= 3 for key in out_of_use), out_of_use)
        keys = sample_keys().values()
        for text in (out, err, (self.folder / "input.results.jsonl").read_text(), (self.folder / "input.report.json").read_text()):
            for key in keys:
                self.assertNotIn(key, text)
        self.assertEqual(self.texts("input.results.jsonl", wanted), self.texts_without_faults(wanted))

    def test_answers_are_what_the_provider_produced(self):
        """The same prompts from every provider come out as the same text: it depends on the prompt only."""
        mock = self.mock(self.scenario())
        self.pool(mock)
        rows = []
        for i in range(20):
            for provider, model in DEFAULTS.items():
                rows.append({"custom_id": f"{provider}-{i}", "model": f"{provider}/{model}", "max_tokens": 40,
                             "prompt": f"[[mark-{i}]] \u00fc\u4e16\U0001f600 tell me {'more ' * i}"})
        (self.folder / "input.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for how in ("always", "never"):
            code, _, err = self.run_batch("input.jsonl", "--fresh", "--stream", how)
            self.assertEqual(code, 0, err)
            texts = {}
            for line in self.lines("input.results.jsonl"):
                body = line["response"]["body"]
                self.assertEqual(body["object"], "chat.completion")
                texts.setdefault(line["custom_id"].split("-")[1], set()).add(
                    (body["choices"][0]["message"]["content"], body["choices"][0]["finish_reason"],
                     body["usage"]["completion_tokens"]))
            self.assertEqual(len(texts), 20)
            for number, different in texts.items():
                self.assertEqual(len(different), 1, f"row {number} {how}: {different}")

    def test_the_samples_run_as_the_readme_shows_them(self):
        scenario = json_with_comments((TOP / "samples/scenarios/mixed.json").read_text())
        mock = self.mock(scenario)
        self.pool(mock, limited=True)
        for name, failed in (("rows", 0), ("searches", 0)):
            rows = (TOP / f"samples/{name}.jsonl").read_text()
            (self.folder / f"{name}.jsonl").write_text(rows)
            code, out, err = self.run_batch("plan", f"{name}.jsonl")
            self.assertEqual(code, 0, err)
            code, out, err = self.run_batch(f"{name}.jsonl")
            self.assertEqual(code, 0, err + str(self.lines(f"{name}.errors.jsonl")))
            self.assertEqual(len(self.lines(f"{name}.results.jsonl")), len(rows.splitlines()))
        code, out, err = self.run_batch("keys", "check")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(out.count(" ok "), 20, out)


if __name__ == "__main__":
    harness.main()

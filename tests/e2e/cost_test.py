"""What a run says it cost, and that it never costs more than it may."""
import contextlib
import json
import re
import signal
import sqlite3

import harness


class Cost(harness.Case):
    # $1 for a thousand tokens in, $2 for a thousand out.
    PRICES = {"models": [{"provider": "openai", "id": "gpt-4o-mini", "input": 1000, "output": 2000}]}

    def pool(self, first_chunk_ms=5, **settings):
        mock = self.mock({"answer": {"tokens": 8}, "latency": {"first_chunk_ms": first_chunk_ms}})
        path = self.config(mock)
        config = json.loads(path.read_text())
        config.update(settings)
        path.write_text(json.dumps(config))
        return mock

    def prices(self, table=None):
        (self.folder / "prices.json").write_text(json.dumps(table or self.PRICES))
        return "prices.json"

    def costs(self, name="input"):
        return [line["batchrun"].get("cost_usd") for line in self.lines(f"{name}.results.jsonl")]

    def test_each_line_has_its_cost_and_the_report_the_sums(self):
        self.pool(prices=self.prices())
        path = self.rows(20)
        lines = path.read_text().splitlines()
        path.write_text("\n".join(line[:-1] + ',"metadata":{"user_id":"u%d"}}' % (i % 2) for i, line in enumerate(lines)))
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        by_hand = 0
        for line in self.lines("input.results.jsonl"):
            usage = line["response"]["body"]["usage"]
            cost = usage["prompt_tokens"] / 1000 + usage["completion_tokens"] * 2 / 1000
            self.assertAlmostEqual(line["batchrun"]["cost_usd"], cost, places=9)
            by_hand += cost
        report = json.loads((self.folder / "input.report.json").read_text())["cost"]
        self.assertAlmostEqual(report["total_usd"], by_hand, places=9)
        self.assertAlmostEqual(sum(report["by_user_usd"].values()), by_hand, places=9)
        self.assertEqual(set(report["by_user_usd"]), {"u0", "u1"})
        self.assertAlmostEqual(report["by_provider_usd"]["openai"], by_hand, places=9)
        self.assertIn(f"cost: ${by_hand:.4f}", err)

    def test_the_price_table_of_the_program_is_the_default(self):
        self.pool()
        self.rows(1)
        self.run_batch("input.jsonl")
        usage = self.lines("input.results.jsonl")[0]["response"]["body"]["usage"]
        by_hand = (usage["prompt_tokens"] * 0.15 + usage["completion_tokens"] * 0.6) / 1e6
        self.assertAlmostEqual(self.costs()[0], by_hand, places=12)

    def test_max_cost_is_not_overshot_and_the_run_can_go_on(self):
        self.pool(prices=self.prices())
        self.rows(200)
        code, _, err = self.run_batch("input.jsonl", "--max-cost", "1.00")
        self.assertEqual(code, 5, err)
        self.assertIn("--max-cost", err)
        spent = sum(self.costs())
        self.assertLessEqual(spent, 1.0)
        self.assertGreater(spent, 0.85)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(200)])

    def test_what_a_cap_leaves_of_a_large_input_is_estimated_well(self):
        self.pool(prices=self.prices())
        self.rows(40_000, start=100_000)
        code, _, err = self.run_batch("input.jsonl", "--max-cost", "1.00")
        self.assertEqual(code, 5, err)
        [left] = re.findall(r"about ([0-9.]+)k not done", err)
        self.assertAlmostEqual(float(left), 40, delta=2)

    def test_a_user_has_a_cap_of_his_own(self):
        self.pool(prices=self.prices(), users={"*": {"max_cost_per_day": 0.3}, "vip": {}})
        path = self.folder / "input.jsonl"
        path.write_text("".join(
            json.dumps({"custom_id": f"row-{i}", "prompt": f"question-{i}?", "max_tokens": 8,
                        "metadata": {"user_id": ["ann", "vip"][i % 2]}}) + "\n" for i in range(100)))
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 3, err)
        failed = self.lines("input.errors.jsonl")
        self.assertEqual({line["error"]["code"] for line in failed}, {"cost_limit"})
        self.assertEqual({line["request"]["metadata"]["user_id"] for line in failed}, {"ann"})
        cost = {"ann": 0.0, "vip": 0.0}
        for line in self.lines("input.results.jsonl"):
            cost[line["batchrun"]["metadata"]["user_id"]] += line["batchrun"]["cost_usd"]
        self.assertLessEqual(cost["ann"], 0.3)
        self.assertGreater(cost["ann"], 0.2)
        self.assertGreater(cost["vip"], 0.3)
        self.check_each_row_once([f"row-{i}" for i in range(100)])

    def users_rows(self, name, first, rows=40):
        """Rows of ann's that could cost $0.06 each, and cost some $0.02."""
        (self.folder / name).write_text("".join(
            json.dumps({"custom_id": f"row-{i}", "prompt": f"question-{i}?", "max_tokens": 8, "metadata": {"user_id": "ann"}}) + "\n"
            for i in range(first, first + rows)))

    @contextlib.contextmanager
    def ledger(self):
        path = self.folder / "state" / "batchrun" / "state.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
            yield database

    def claimed(self):
        with self.ledger() as database:
            return sum(row[0] for row in database.execute("SELECT claimed FROM budget")) / 1e12

    def test_a_users_cap_holds_over_the_runs_of_a_day_and_begins_anew(self):
        self.pool(prices=self.prices(), users={"*": {"max_cost_per_day": 0.5}})
        self.users_rows("one.jsonl", 0, 12)
        self.assertEqual(self.run_batch("one.jsonl")[0], 0)
        first = sum(self.costs("one"))
        self.assertAlmostEqual(self.claimed(), first, places=9, msg="what was not needed is given back")
        self.users_rows("two.jsonl", 100)
        code, _, err = self.run_batch("two.jsonl")
        self.assertEqual(code, 3, err)
        second = sum(self.costs("two"))
        self.assertLessEqual(first + second, 0.5)
        self.assertGreater(first + second, 0.4)
        self.assertAlmostEqual(self.claimed(), first + second, places=9)
        self.check_each_row_once([f"row-{i}" for i in range(100, 140)], "two.results.jsonl", "two.errors.jsonl")
        with self.ledger() as database:
            database.execute("UPDATE budget SET day = day - 1")  # a day goes by
        code, _, err = self.run_batch("two.jsonl", "--retry-failed")
        self.assertEqual(code, 3, err)
        third = sum(self.costs("two")) - second
        self.assertLessEqual(third, 0.5)
        self.assertGreater(third, 0.4)

    def test_what_a_killed_run_sent_is_counted(self):
        mock = self.pool(400, prices=self.prices(), users={"*": {"max_cost_per_day": 0.5}})
        for attempt in range(6):
            self.users_rows(f"{attempt}.jsonl", attempt * 100)
            run = self.start(f"{attempt}.jsonl", "-j", "4")
            already = mock.count("requests")
            harness.wait_until(lambda: mock.count("requests") > already or run.poll() is not None)
            run.kill()
            run.communicate(timeout=60)
        bill = mock.counters()
        spent = sum(model["input_tokens"] / 1000 + model["output_tokens"] * 2 / 1000
                    for key in bill["by_key"].values() for model in key["models"].values())
        self.assertGreater(mock.count("requests"), 3)
        self.assertLessEqual(spent, self.claimed())
        self.assertGreaterEqual(self.claimed(), 0.02 * mock.count("requests"))
        self.assertLessEqual(self.claimed(), 0.5)

        self.users_rows("last.jsonl", 900)
        code, _, err = self.run_batch("last.jsonl", timeout=30)
        self.assertEqual(code, 3, "nobody waits for what a killed run has claimed: " + err)

    def test_a_row_waits_for_what_another_run_may_give_back(self):
        mock = self.pool(1500, prices=self.prices(), users={"*": {"max_cost_per_day": 0.5}})
        self.users_rows("one.jsonl", 0, 8)  # $0.48 reserved, $0.16 spent
        self.users_rows("two.jsonl", 100, 4)
        run = self.start("one.jsonl")
        self.assertTrue(harness.wait_until(lambda: mock.count("requests") == 8))
        code, _, err = self.run_batch("two.jsonl", timeout=60)
        self.assertEqual(code, 0, err)
        self.assertEqual(run.wait(timeout=60), 0)
        self.assertLessEqual(sum(self.costs("one")) + sum(self.costs("two")), 0.5)
        self.check_each_row_once([f"row-{i}" for i in range(100, 104)], "two.results.jsonl", "two.errors.jsonl")

    def test_plan_tells_the_most_it_can_cost(self):
        table = {"models": [*self.PRICES["models"], {"provider": "groq", "id": "llama", "input": 10, "output": 20}]}
        mock = self.pool(prices=self.prices(table))
        config = json.loads((self.folder / "batchrun.json").read_text())
        config["providers"]["groq"] = {"base_url": f"{mock.url}/openai/v1", "keys": [{"key": "gsk-1"}]}
        config["routes"] = {"any": ["groq/llama", "openai/gpt-4o-mini"], "new": ["openai/gpt-4o-mini", "openai/unheard-of"]}
        (self.folder / "batchrun.json").write_text(json.dumps(config))
        # By hand: a token for each byte of the text, 16 for each message and for the whole; $1 in, $2 out for a thousand.
        rows = [({"model": "gpt-4o-mini", "prompt": "x" * 68, "max_tokens": 50}, 0.100 + 0.100),
                ({"model": "groq/llama", "prompt": "x" * 68, "max_tokens": 50}, 0.001 + 0.001),
                ({"route": "any", "prompt": "x" * 168, "max_tokens": 100}, 0.200 + 0.200),
                ({"model": "gpt-4o-mini", "prompt": "x" * 68}, 0.100 + 16.384 * 2),
                ({"route": "new", "prompt": "x" * 68, "max_tokens": 50}, None)]
        (self.folder / "input.jsonl").write_text("".join(json.dumps({"id": str(i), **row}) + "\n" for i, (row, _) in enumerate(rows)))
        code, out, err = self.run_batch("plan", "input.jsonl")
        self.assertEqual(code, 0, err)
        most = sum(cost for _, cost in rows if cost)
        self.assertIn(f"at most ${most:.6f}", out)
        self.assertIn(f"at most {50 + 50 + 100 + 16384 + 50} out (1 row without max_tokens: 16384 for each answer)", out)
        self.assertIn("1 row may go to a model whose price is not known; not in these sums", out)
        models = {line.split()[0]: line.split()[1:] for line in out[out.index("model, if"):].splitlines()[1:]}
        self.assertEqual(models["groq/llama"], ["2", *models["groq/llama"][1:2], f"{0.002 + 0.004:.6f}"])
        self.assertEqual(models["openai/unheard-of"], ["1", "not", "known"])
        self.assertEqual(models["openai/gpt-4o-mini"][0], "4")
        self.assertEqual(mock.count("requests"), 0)

    def test_plan_promises_no_less_than_a_run_may_reserve(self):
        self.pool(prices=self.prices())
        self.rows(20)
        _, out, _ = self.run_batch("plan", "input.jsonl")
        most = float(out.split("at most $")[1].split(",")[0])
        code, _, err = self.run_batch("input.jsonl", "--max-cost", f"{most:.6f}")
        self.assertEqual(code, 0, err)
        self.assertLessEqual(sum(self.costs()), most)

    def test_a_search_has_the_price_that_the_config_says(self):
        mock = self.mock({})
        (self.folder / "searches.jsonl").write_text("".join(json.dumps({"id": f"q{i}", "query": f"question-{i}"}) + "\n" for i in range(4)))
        config = {"providers": {"serper": {"base_url": mock.url, "keys": [{"key": "canary"}]}}}
        for price, cost in ((None, None), (0.001, 0.001)):
            if price:
                config["providers"]["serper"]["price_per_search"] = price
            path = self.folder / "batchrun.json"
            path.write_text(json.dumps(config))
            path.chmod(0o600)
            code, _, err = self.run_batch("searches.jsonl", "--fresh")
            self.assertEqual(code, 0, err)
            self.assertEqual(self.costs("searches"), [cost] * 4)
        code, out, _ = self.run_batch("plan", "searches.jsonl")
        self.assertIn("at most $0.004000", out)
        self.assertIn("about 0 in, at most 0 out\n", out)
        code, _, err = self.run_batch("searches.jsonl", "--fresh", "--max-cost", "0.0025")
        self.assertEqual(code, 5, err)
        self.assertEqual(len(self.lines("searches.results.jsonl")), 2)

    def test_a_run_that_is_stopped_while_rows_wait_for_their_cap_ends_well(self):
        mock = self.mock({"answer": {"tokens": 8}, "latency": {"first_chunk_ms": 200}})
        self.config(mock)
        self.rows(400, max_tokens=2000)  # of which 40 fit at once
        run = self.start("input.jsonl", "--max-cost", "0.05", "--progress", "none")
        self.assertTrue(harness.wait_until(lambda: mock.count("completed") > 3))
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 130, err)
        self.assertIn("resume:", err)

    def test_a_cap_needs_prices(self):
        self.pool(prices=self.prices({"models": []}))
        self.rows(3)
        code, _, err = self.run_batch("input.jsonl", "--max-cost", "1")
        self.assertEqual(code, 3, err)
        self.assertEqual({line["error"]["code"] for line in self.lines("input.errors.jsonl")}, {"no_price"})

    def test_mistakes_in_the_table_are_named_with_their_place(self):
        self.pool(prices=self.prices({"models": [{"provider": "openai", "id": "x", "input": "1"}]}))
        self.rows(1)
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 2)
        self.assertIn("prices.json:1:", err)
        self.pool(prices="nowhere.json")
        code, _, err = self.run_batch("input.jsonl")
        self.assertEqual(code, 2)
        self.assertIn("nowhere.json", err)
        for wrong in ("0", "-1", "much", "1e9"):
            self.assertEqual(self.run_batch("input.jsonl", "--max-cost", wrong)[0], 2)


if __name__ == "__main__":
    harness.main()

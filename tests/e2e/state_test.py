"""What runs leave to later ones in the state file, and that whatever is wrong with it ends no run."""
import contextlib
import signal
import sqlite3
import sys

import harness

VERSION = 3  # of the tables, as this program writes them


class State(harness.Case):
    def path(self):
        return self.folder / "state" / "batchrun" / "state.db"

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(self.path(), isolation_level=None)) as database:
            yield database

    def sums(self):
        """What the file holds of all groups: (groups, requests, input tokens, output tokens)."""
        with self.database() as database:
            return database.execute(
                "SELECT count(DISTINCT quota_group), sum(requests), sum(input_tokens), sum(output_tokens) FROM charged").fetchone()

    def something_saved(self):
        try:
            return self.path().exists() and bool(self.sums()[1])
        except sqlite3.OperationalError:  # the tables are not there yet
            return False

    def answered(self, rows=10, name="input", **kw):
        """A run that must answer every row: what it printed."""
        self.rows(rows, f"{name}.jsonl")
        code, out, err = self.run_batch(f"{name}.jsonl", "--fresh", **kw)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{i}" for i in range(rows)], f"{name}.results.jsonl", f"{name}.errors.jsonl")
        self.check_no_secret(out, err)
        return err

    def test_a_run_leaves_what_its_groups_were_charged_and_the_next_adds_to_it(self):
        mock = self.mock()
        self.config(mock)
        err = self.answered(20)
        self.assertNotIn("note:", err)
        read = sum(line["batchrun"]["input_tokens"] for line in self.lines("input.results.jsonl"))
        self.assertEqual(self.sums(), (2, 20, read, 20 * 8))  # of the answer, max_tokens is charged
        self.assertEqual(self.path().stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.path().parent.stat().st_mode & 0o777, 0o700)
        self.answered(10)
        groups, requests, _, output_tokens = self.sums()
        self.assertEqual((groups, requests, output_tokens), (2, 30, 30 * 8))

    def test_runs_at_once_on_the_same_keys_both_count(self):
        mock = self.mock({"latency": {"first_chunk_ms": 300}})
        self.config(mock)
        for name in ("one", "two"):
            self.rows(60, f"{name}.jsonl")
        runs = [self.start(f"{name}.jsonl", "-j", "8") for name in ("one", "two")]
        for run in runs:
            _, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 0, err)
        self.assertEqual(self.sums()[:2], (2, 120))

    def test_a_run_that_is_interrupted_leaves_all_it_sent(self):
        mock = self.mock({"latency": {"first_chunk_ms": 200}})
        self.config(mock)
        self.rows(400)
        run = self.start("input.jsonl", "-j", "4")
        self.assertTrue(harness.wait_until(lambda: mock.count("requests") >= 20))
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err)
        self.assertEqual(self.sums()[1], mock.count("requests"))

    def test_a_run_that_is_killed_leaves_all_but_its_last_moment(self):
        mock = self.mock({"latency": {"first_chunk_ms": 100}})
        self.config(mock)
        self.rows(4000)
        run = self.start("input.jsonl", "-j", "4")
        self.assertTrue(harness.wait_until(self.something_saved))
        run.kill()
        run.communicate(timeout=60)
        saved = self.sums()[1]
        self.assertGreater(saved, 0)
        self.assertLessEqual(saved, mock.count("requests") + 4)

    def test_a_run_right_after_another_does_not_overrun_its_minute(self):
        mock = self.mock()
        self.config(mock, keys=harness.KEYS[:1], rate_limit={"tokensPerMinute": 1000})
        self.rows(1, max_tokens=900)
        self.assertEqual(self.run_batch("input.jsonl")[0], 0)
        self.rows(1, "second.jsonl", max_tokens=900)
        code, _, err = self.run_batch("second.jsonl", "--deadline", "3s")
        self.assertEqual(code, 5, err)
        self.assertEqual(mock.count("requests"), 1)

    def test_a_run_right_after_another_does_not_overrun_their_day(self):
        mock = self.mock()
        self.config(mock, keys=harness.KEYS[:1], rate_limit={"requestsPerDay": 20})
        self.answered(12)
        self.rows(12, "second.jsonl")
        code, _, err = self.run_batch("second.jsonl", "--deadline", "5s")
        self.assertNotEqual(code, 0, err)
        self.assertEqual(mock.count("requests"), 20)

    def test_a_damaged_file_is_set_aside(self):
        mock = self.mock()
        self.config(mock)
        self.path().parent.mkdir(parents=True)
        damaged = b"no database at all, but long enough to be taken for one" * 100
        self.path().write_bytes(damaged)
        err = self.answered()
        self.assertIn("note: the state file", err)
        self.assertIn("state.db.corrupt-1", err)
        self.assertEqual(self.path().with_name("state.db.corrupt-1").read_bytes(), damaged)
        self.assertEqual(self.sums()[1], 10)
        self.assertNotIn("note:", self.answered(5))

    def test_a_file_of_a_newer_version_is_left_as_it_is(self):
        mock = self.mock()
        self.config(mock)
        self.answered()
        with self.database() as database:
            database.execute(f"PRAGMA user_version = {VERSION + 1}")
        before = self.path().read_bytes()
        self.assertIn("newer version", self.answered())
        self.assertEqual(self.path().read_bytes(), before)

    def test_a_locked_file_is_not_waited_for(self):
        mock = self.mock()
        self.config(mock)
        self.answered()
        with self.database() as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("DELETE FROM spent")
            self.assertIn("locked by another program", self.answered())
            database.execute("ROLLBACK")
        self.assertEqual(self.sums()[1], 10)

    def test_a_file_that_can_be_read_but_is_never_free_is_given_up_at_the_end(self):
        mock = self.mock()
        self.config(mock)
        self.answered()
        with self.database() as database:
            database.execute("BEGIN IMMEDIATE")
            err = self.answered()
            self.assertIn("locked by another program", err)
            self.assertIn("not kept for the next", err)
            self.assertEqual(err.count("locked by another program"), 1)
            database.execute("ROLLBACK")
        self.assertEqual(self.sums()[1], 10)

    def test_a_file_that_cannot_be_made_is_gone_without(self):
        mock = self.mock()
        self.config(mock)
        (self.folder / "state").write_text("a file where a directory should be")
        err = self.answered()
        self.assertIn("note: cannot make", err)
        self.assertIn("Not a directory", err)
        environment = self.environment()
        for name in ("XDG_STATE_HOME", "HOME"):
            environment.pop(name, None)
        self.assertIn("neither XDG_STATE_HOME nor HOME", self.answered(env=environment))


if __name__ == "__main__":
    harness.main()

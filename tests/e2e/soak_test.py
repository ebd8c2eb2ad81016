"""A run at full speed with faults for as long as is asked: what it holds must not grow with what it has done.

BATCHRUN_SOAK_SECONDS says how long; `./dev soak` takes 30 minutes and some 10 GB of room for the results.
"""
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

import harness
from mixed_pool_test import FAILING, HARMLESS, UNHEARD  # faults of every kind

SECONDS = float(os.environ.get("BATCHRUN_SOAK_SECONDS", "6"))
# Ids given twice are found by what is kept of each: 2 bytes a row once there are millions (io/id_index.h).
BYTES_PER_ROW = 3
IN_FLIGHT = 64
# Files, pipes and events of a run are 14, whatever it does; each row in flight has one connection at most.
OWN_DESCRIPTORS = 16
SLACK_KB = 4096 * (8 if harness.SANITIZED else 1)


class Soak(harness.Case):
    def feed(self, pipe, seconds):
        """Rows without end, until the time is over; never many more than have been answered: a run that is given rows
        without waiting reads far ahead, and its memory would say more of that than of what it keeps."""
        self.fed = answered = 0
        results = self.folder / "input.results.jsonl"
        results.touch()  # the run's own comes with the first row
        end = time.monotonic() + seconds
        with pipe, results.open("rb") as file:
            while time.monotonic() < end:
                pipe.write("".join(
                    f'{{"custom_id":"row-{n}","prompt":"question-{n}?","max_tokens":8}}\n' for n in range(self.fed, self.fed + 500)))
                pipe.flush()
                self.fed += 500
                while self.fed - (answered := answered + file.read().count(b"\n")) > 2000 and time.monotonic() < end:
                    time.sleep(0.01)

    def look(self, run):
        """(resident kB, open descriptors), or None when the run has ended."""
        process = pathlib.Path(f"/proc/{run.pid}")
        try:
            resident = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
            return (int(resident[1]), len(list((process / "fd").iterdir()))) if resident else None
        except FileNotFoundError:
            return None

    def check_each_fed_row_once(self):
        seen = bytearray(self.fed)
        with (self.folder / "input.results.jsonl").open() as file:
            for line in file:
                number = int(re.match(r'\{"id":"[^"]*","custom_id":"row-(\d+)"', line)[1])
                self.assertEqual(seen[number], 0, f"row {number} has two lines")
                seen[number] = 1
        self.assertEqual(seen.count(1), self.fed)

    def test_memory_and_descriptors_stay_flat(self):
        kinds = FAILING + UNHEARD + HARMLESS
        faults = [{"fault": name, "probability": 0.05 / len(kinds)} for name in kinds]
        for fault in faults:
            if fault["fault"] == "rate_limit_429":
                fault.update(retry_after="fraction", seconds=0.05)
        mock = self.mock({"seed": 3, "faults": faults})
        self.config(mock)
        # AddressSanitizer keeps 256 MiB of what was freed unless told otherwise: growth for minutes.
        environment = {**self.environment(), "ASAN_OPTIONS": "quarantine_size_mb=4"}
        run = self.start("-", "-o", "input.results.jsonl", "-j", IN_FLIGHT, "--max-attempts", "20", "--progress", "none",
                         stdin=subprocess.PIPE, env=environment)
        feeder = threading.Thread(target=self.feed, args=(run.stdin, SECONDS))
        feeder.start()
        samples = []  # (rows fed, resident kB, descriptors)
        while feeder.is_alive():
            time.sleep(min(1.0, SECONDS / 40))
            if sample := self.look(run):
                samples.append((self.fed, *sample))
        feeder.join()
        run.stdin = None
        _, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, err)
        self.check_each_fed_row_once()

        fifth = len(samples) // 5
        self.assertGreater(fifth, 3, "too few looks to tell")
        early, late = samples[2 * fifth:3 * fifth], samples[-fifth:]
        middle = lambda some, what: statistics.median(sample[what] for sample in some)
        rows = middle(late, 0) - middle(early, 0)
        grown = middle(late, 1) - middle(early, 1)
        most = max(sample[2] for sample in samples)
        print(f"{self.fed} rows in {SECONDS:.0f} s; resident {middle(early, 1) / 1024:.1f} MiB, then {middle(late, 1) / 1024:.1f}; "
              f"descriptors {middle(early, 2):.0f}, then {middle(late, 2):.0f}, at most {most}")
        self.assertLess(grown, SLACK_KB + rows * BYTES_PER_ROW / 1024)
        # Not early against late: how many connections are open at a look is chance. One descriptor lost with each
        # hundredth connection passes this bound within seconds.
        self.assertLessEqual(most, IN_FLIGHT + OWN_DESCRIPTORS)


if __name__ == "__main__":
    harness.main()

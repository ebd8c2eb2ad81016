"""Every fault that the simulated provider can be told to have, one at a time: one request of a small run meets it, streamed
and whole, and what becomes of the row, of the key and of the bill is compared with the table. docs/faults.md has the
whole catalogue. One line is printed for each case."""
import http.server
import json
import socket
import threading
import types

import harness

ROWS = 6
STRUCK = "question-2?"  # in the prompt of the row whose request meets the fault

# What becomes of the row that was struck.
WHOLE = "whole"    # answered by that very request
STALE = "stale"    # the kept connection was closed: sent once more on a new one, as the same attempt
AGAIN = "again"    # a failed attempt: sent once more
FREE = "free"      # a quota or a key said no: sent once more, not counted by --max-attempts
FAILED = "failed"  # the row is at fault: its error line, at once

BOTH, STREAM, PLAIN = (True, False), (True,), (False,)


def case(number, title, fault, becomes, modes=BOTH, code=None, check=None, **rule):
    return {"number": number, "title": title, "becomes": becomes, "modes": modes, "code": code, "check": check,
            "rule": {"fault": fault, "times": 1, "contains": STRUCK, **rule}}


def finish(reason):
    def check(test, line):
        test.assertEqual(line["response"]["body"]["choices"][0]["finish_reason"], reason)
    return check


def estimated(test, line):
    test.assertTrue(line["batchrun"].get("usage_estimated"), line)


CASES = [
    case(4, "reset before the head", "reset_before_head", STALE),
    case(4, "reset in the head", "reset_in_head", AGAIN),
    case(5, "reset in the body", "reset_in_body", AGAIN),
    case(7, "closed before the head", "close_before_head", STALE),
    case(7, "closed after an answer", "keepalive_close", WHOLE),
    case(11, "a short silence in a stream", "stall_mid_stream", WHOLE, seconds=0.2),
    case(12, "a body octet by octet", "drip", WHOLE, from_body=True, interval_ms=0.1),
    case(13, "every write one octet", "slice", WHOLE),
    case(23, "a chunked body breaks off", "truncated_chunked", AGAIN),
    case(24, "a chunk size that is none", "bad_chunk_size", AGAIN),
    case(25, "a length too large", "wrong_content_length", AGAIN),
    case(25, "a length too small", "wrong_content_length", AGAIN, PLAIN, bytes=-10),
    case(25, "two lengths", "conflicting_lengths", AGAIN),
    case(26, "64 KiB of header fields", "huge_headers", AGAIN),
    case(28, "compressed unasked", "gzip_body", AGAIN),
    case(30, "100 Continue unasked", "continue_100", WHOLE, after_chunks=2),
    case(30, "103 Early Hints", "early_hints_103", WHOLE, after_chunks=2),
    case(30, "interim replies without end", "early_hints_103", AGAIN, after_chunks=40),
    case(31, "HTTP/1.0", "http10_close", WHOLE),
    case(33, "a page with status 200", "html_200", AGAIN),
    case(34, "502 with a page", "status_502_html", AGAIN),
    case(34, "503 with nothing", "status_503_empty", AGAIN),
    case(37, "an error is the first event", "error_first_event", AGAIN, STREAM),
    case(38, "an error in the stream", "error_mid_stream", AGAIN, STREAM),
    case(39, "neither finish reason nor end mark", "eof_without_done", AGAIN, STREAM),
    case(39, "an end mark without finish reason", "done_without_finish", WHOLE, STREAM),
    case(39, "a finish reason without end mark", "finish_without_done", WHOLE, STREAM),
    case(40, "silence after the end mark", "done_keeps_open", WHOLE, STREAM),
    case(40, "silence after the finish, without an end mark", "finish_keeps_open", WHOLE, STREAM),
    case(43, "no usage", "no_usage", WHOLE, check=estimated),
    case(44, "comment lines", "comments", WHOLE, STREAM),
    case(44, "CRLF", "crlf", WHOLE, STREAM),
    case(44, "several data lines an event", "multi_line_data", WHOLE, STREAM),
    case(44, "no blank line at the end", "no_final_blank_line", WHOLE, STREAM),
    case(44, "an event of 2 MiB", "huge_event", AGAIN, STREAM, bytes=2_000_000),
    case(45, "malformed JSON", "malformed_json_event", AGAIN),
    case(46, "invalid UTF-8", "invalid_utf8_event", AGAIN),
    case(47, "200 with an error object", "error_200", AGAIN),
    case(48, "200 with nothing", "empty_200", AGAIN),
    case(48, "nothing but empty choices", "empty_choices", AGAIN),
    case(48, "empty choices first, as Azure sends them", "choices_empty_first", WHOLE, STREAM),
    case(49, "filtered answer", "content_filter", WHOLE, check=finish("content_filter")),
    case(49, "refusal", "refusal", WHOLE),
    case(51, "100,000 levels", "deep_nesting_event", AGAIN),
    case(53, "429 and when to return", "rate_limit_429", FREE, seconds=0.1),
    case(54, "429 and a date", "rate_limit_429", FREE, retry_after="date"),
    case(54, "429 and milliseconds", "rate_limit_429", FREE, retry_after="milliseconds", seconds=0.1),
    case(54, "429 and a fraction", "rate_limit_429", FREE, retry_after="fraction", seconds=0.1),
    case(55, "429 without a time", "rate_limit_429", FREE, retry_after="none"),
    case(56, "429 and zero", "rate_limit_429", FREE, retry_after="zero"),
    case(56, "429 and 30 years", "rate_limit_429", FREE, retry_after="huge"),
    case(56, "429 and a negative time", "rate_limit_429", FREE, retry_after="negative"),
    case(56, "429 and garbage", "rate_limit_429", FREE, retry_after="garbage"),
    case(60, "no money left", "quota_exhausted", FREE),
    case(61, "401 once", "unauthorized", FREE),
    case(64, "403 for this key", "status", FREE, status=403),
    case(65, "404 for a model of this key", "model_not_found", FREE),
    case(66, "400", "bad_request", FAILED, code="bad_request"),
    case(67, "a context too long", "context_too_long", FAILED, code="bad_request"),
    case(67, "content refused by the filter", "content_filter_400", FAILED, code="content_refused"),
    case(68, "408", "status", AGAIN, status=408),
    case(68, "409", "status", AGAIN, status=409),
    case(68, "425", "status", AGAIN, status=425),
    case(69, "413", "status", FAILED, status=413, code="bad_request"),
    case(70, "422", "status", FAILED, status=422, code="bad_request"),
    case(71, "500", "status_500", AGAIN),
    case(71, "504", "status", AGAIN, status=504),
    case(72, "529", "status_529", AGAIN),
    case(75, "limits that cannot be", "absurd_limits", WHOLE),
    case(41, "JSON for a stream", "plain_for_stream", WHOLE, STREAM),
]


class OneFault(harness.Case):
    def test_of_each_kind(self):
        for one in CASES:
            for streamed in one["modes"]:
                with self.subTest(one["title"], streamed=streamed):
                    self.check(one, streamed)
                    print(f"ok {one['number']:3}  {one['title']}, {'streamed' if streamed else 'whole'}", flush=True)

    def check(self, one, streamed):
        self.tearDown()
        self.setUp()
        mock = self.mock({"faults": [one["rule"]]})
        self.config(mock)
        self.rows(ROWS)
        becomes = one["becomes"]
        options = ["-j", "1", "--stream", "always" if streamed else "never"]
        if becomes != AGAIN:
            options += ["--max-attempts", "1"]
        code, out, err = self.run_batch("input.jsonl", *options, timeout=30)
        self.assertEqual(sum(mock.count("faults").values()), 1, "the fault did not strike")
        self.assertEqual(code, 3 if becomes == FAILED else 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(ROWS)])
        self.check_no_secret(out, err)
        self.assertEqual(mock.count("requests"), ROWS + (becomes in (STALE, AGAIN, FREE)))
        lines = self.lines("input.results.jsonl") + self.lines("input.errors.jsonl")
        for line in lines:
            struck = line["custom_id"] == "row-2"
            self.assertEqual(line["batchrun"]["attempts"], 2 if struck and becomes in (AGAIN, FREE) else 1, line)
            if struck and becomes == FAILED:
                self.assertEqual(line["error"]["code"], one["code"])
            if struck and one["check"]:
                one["check"](self, line)
        with open(self.folder / "input.report.json") as file:
            report = json.load(file)
        # Only what a key or its provider did wrong is held against the key.
        blamed = [key["key"] for key in report["keys"] if key["score"] < 100]
        if becomes != FREE:
            self.assertEqual(len(blamed), 1 if becomes == AGAIN else 0, report["keys"])


class Answers(harness.Case):
    """What needs more than one fault of the simulated provider, or none: large answers, the end of a stream, odd numbers."""

    def test_an_answer_beyond_every_cap_fails_its_row_alone(self):
        tokens = 16_000_000  # over 64 MiB of text, in events under 1 MiB
        mock = self.mock({"answer": {"tokens": tokens, "longest": tokens, "chunks": 200}, "count_executions": False})
        self.config(mock)
        for streamed in ("always", "never"):
            with self.subTest(stream=streamed):
                path = self.rows(ROWS)
                path.write_text(path.read_text().replace(f'"{STRUCK}", "max_tokens": 8', f'"{STRUCK}", "max_tokens": {tokens}'))
                before = mock.count("requests")
                code, _, err = self.run_batch("input.jsonl", "--fresh", "--stream", streamed, timeout=60)
                self.assertEqual(code, 3, err)
                self.check_each_row_once([f"row-{n}" for n in range(ROWS)])
                [line] = self.lines("input.errors.jsonl")
                self.assertEqual((line["custom_id"], line["error"]["code"]), ("row-2", "response_too_large"))
                self.assertIn(f"longer than {64 << 20} bytes", line["error"]["message"])
                self.assertLess((self.folder / "input.errors.jsonl").stat().st_size, 10_000, "nothing of it is kept")
                self.assertEqual(mock.count("requests") - before, ROWS, "what is too long once is too long again")
                report = json.loads((self.folder / "input.report.json").read_text())
                self.assertEqual([key["score"] for key in report["keys"]], [100, 100], "no key is to blame")

    def test_usage_that_follows_the_finish_is_the_bill(self):
        mock = self.mock()
        self.config(mock)
        self.rows(ROWS)
        code, _, err = self.run_batch("input.jsonl", "--stream", "always", timeout=30)
        self.assertEqual(code, 0, err)
        lines = self.lines("input.results.jsonl")
        self.assertNotIn("usage_estimated", json.dumps(lines))
        bills = [bill for key in mock.counters()["by_key"].values() for bill in key["models"].values()]
        for what in ("input_tokens", "output_tokens"):
            self.assertEqual(sum(line["batchrun"][what] for line in lines), sum(bill[what] for bill in bills), what)

    def test_numbers_no_type_holds_pass_as_they_came(self):
        large, wide, small = "1e400", "123456789012345678901234567890", "-0.0"
        usage = f'{{"prompt_tokens":{large},"completion_tokens":-5,"total_tokens":{wide}}}'
        asked = []

        class Provider(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = (f'{{"object":"chat.completion","created":{wide},"system_fingerprint":{small},"model":"m","choices":[{{"index":0,'
                        f'"message":{{"role":"assistant","content":"question-0?"}},"logprobs":{large},"finish_reason":"stop"}}],'
                        f'"usage":{usage}}}').encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Provider) as server:
            serving = threading.Thread(target=server.serve_forever)
            serving.start()
            try:
                self.config(types.SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}"))
                (self.folder / "input.jsonl").write_text(
                    f'{{"custom_id":"row-0","prompt":"question-0?","seed":{wide},"temperature":{small},"top_p":{large}}}\n')
                code, _, err = self.run_batch("input.jsonl", "--stream", "never", timeout=30)
            finally:
                server.shutdown()
                serving.join()
        self.assertEqual(code, 0, err)
        for number in (f'"seed":{wide}', f'"temperature":{small}', f'"top_p":{large}'):
            self.assertIn(number, asked[0])
        text = (self.folder / "input.results.jsonl").read_text()
        for number in (f'"created":{wide}', f'"system_fingerprint":{small}', f'"logprobs":{large}', usage):
            self.assertIn(number, text)
        figures = json.loads(text)["batchrun"]
        self.assertTrue(figures["usage_estimated"], "no count can be read from that")
        self.assertLess(figures["input_tokens"] + figures["output_tokens"], 100)


class Connections(harness.Case):
    def test_that_end_before_a_request_cost_nothing(self):
        for fault in ("reset_on_accept", "close_on_accept"):
            for tls in (False, True):
                with self.subTest(fault, tls=tls):
                    self.tearDown()
                    self.setUp()
                    mock = self.mock({"faults": [{"fault": fault, "requests": [1, 2]}], "tls": {"enabled": tls}},
                                     *(("--ca-out", str(self.folder / "ca.pem")) if tls else ()))
                    self.config(mock, **({"ca_file": str(self.folder / "ca.pem")} if tls else {}))
                    self.rows(ROWS)
                    code, _, err = self.run_batch("input.jsonl", timeout=30)
                    self.assertEqual(code, 0, err)
                    self.check_each_row_once([f"row-{n}" for n in range(ROWS)])
                    self.assertEqual(mock.count("requests"), ROWS)

    def test_a_proxy_in_the_environment_is_not_used(self):
        mock = self.mock()
        self.config(mock)
        self.rows(ROWS)
        nobody = "http://127.0.0.1:9"
        proxies = {name: nobody for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")}
        code, _, err = self.run_batch("input.jsonl", env=self.environment() | proxies, timeout=30)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(ROWS)])

    def test_redirects_lead_nowhere(self):
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            port = elsewhere.getsockname()[1]
            for status in (301, 302, 303, 307, 308):
                with self.subTest(status):
                    self.tearDown()
                    self.setUp()
                    mock = self.mock({"faults": [{"fault": "redirect_302", "status": status, "contains": STRUCK,
                                                  "location": f"http://127.0.0.1:{port}/v1/chat/completions"}]})
                    self.config(mock)
                    self.rows(ROWS)
                    code, out, err = self.run_batch("input.jsonl", timeout=30)
                    self.assertEqual(code, 3, err)
                    self.check_each_row_once([f"row-{n}" for n in range(ROWS)])
                    self.assertEqual([line["custom_id"] for line in self.lines("input.errors.jsonl")], ["row-2"])
                    self.check_no_secret(out, err)
            # Not one connection, so not one octet of a credential.
            elsewhere.settimeout(0.1)
            self.assertRaises(TimeoutError, elsewhere.accept)

    def test_an_outage_is_not_fed(self):
        mock = self.mock({"faults": [{"fault": "status_503_empty", "until_s": 4}]})
        self.config(mock)
        self.rows(40)
        code, _, err = self.run_batch("input.jsonl", "-j", "4", timeout=60)
        self.assertEqual(code, 0, err)
        self.check_each_row_once([f"row-{n}" for n in range(40)])
        # Three failures open one circuit, nine the other (half of the keys must stay), with at most 4 on the way; then
        # each is probed after 1 and 2 s.
        self.assertLessEqual(sum(mock.count("faults").values()), 3 + 9 + 4 + 2 * 3)


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""Each rule of house.py holds on a small good tree and fails on the same tree with one thing wrong."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import house  # noqa: E402  (a neighbour: the interpreter looks beside this file)

TEST_BODY = '#include <gtest/gtest.h>\nTEST(Subject, Behaviour) { EXPECT_TRUE(true); }\n'

GOOD_TREE = {
    "pool/time.h": "#pragma once\n#include <chrono>\n",
    "pool/outcome.h": '#pragma once\n#include "pool/time.h"\n',
    "pool/bucket.h": '#pragma once\n#include <fmt/format.h>\n#include "pool/time.h"\n',
    "pool/bucket.cpp": '#include "pool/bucket.h"\n#include <algorithm>\n',
    "io/reader.h": '#pragma once\n#include "pool/outcome.h"\n',
    "io/reader.cpp": '#include "io/reader.h"\n#include <simdjson.h>\n',
    "io/transport.h": "#pragma once\n#include <boost/asio/awaitable.hpp>\n",
    "io/http_transport.cpp": '#include "io/transport.h"\n#include <boost/beast/http.hpp>\nauto t = std::chrono::steady_clock::now();\n',
    "io/http_impl.cpp": "#include <boost/beast/src.hpp>\n",
    "io/dialects/openai.cpp": '#include "io/reader.h"\n',
    "runner/options.h": "#pragma once\n",
    "runner/options.cpp": '#include "runner/options.h"\n',
    "runner/main.cpp": '#include "runner/options.h"\n#include "pool/bucket.h"\n',
    "runner/clock.h": "#pragma once\n",
    "runner/clock.cpp": "auto now = std::chrono::steady_clock::now();\n",
    "runner/seed.cpp": "std::random_device dice; auto t = std::chrono::system_clock::now();\n",
    "bench/mockprovider/server.cpp": '#include "io/transport.h"\n#include <boost/json.hpp>\n',
    "tests/pool/bucket_test.cpp": TEST_BODY,
    "tests/io/reader_test.cpp": TEST_BODY,
    "tests/io/openai_dialect_test.cpp": TEST_BODY,
    "tests/transport/exchange_test.cpp": TEST_BODY,
    "tests/runner/options_test.cpp": '#include "runner/options.h"\n#include "tests/support/clock.h"\n' + TEST_BODY,
    "tests/support/clock.h": "#pragma once\n",
    "samples/prompts.jsonl": "{}\n",
    "docs/formats.md": "",
    "docs/cases.md": "| case | shown by |\n|---|---|\n| `Unknown.Elsewhere` | `Subject.Behaviour` `Subject` `tests/io` |\n",
    ".ci/run": "",
}


def breaches_of(changes):
    """What house.py says of the good tree with some files replaced, added, or (None) taken away."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**GOOD_TREE, **changes}.items():
            if text is not None:
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        return house.breaches(folder)


class GoodTree(unittest.TestCase):
    def test_breaks_no_rule(self):
        self.assertEqual([str(breach) for breach in breaches_of({})], [])


# (rule, what is wrong, the change that makes it so, the file that is named)
BAD = (
    ("direction", "pool includes io", {"pool/bucket.cpp": '#include "io/reader.h"\n'}, "pool/bucket.cpp"),
    ("direction", "pool includes runner", {"pool/bucket.h": '#pragma once\n#include "runner/clock.h"\n'}, "pool/bucket.h"),
    ("direction", "io includes runner", {"io/reader.cpp": '#include "runner/clock.h"\n'}, "io/reader.cpp"),
    ("direction", "io includes more of pool than its words", {"io/reader.cpp": '#include "pool/bucket.h"\n'}, "io/reader.cpp"),
    ("direction", "angle brackets do not hide it", {"io/reader.cpp": "#include <pool/bucket.h>\n"}, "io/reader.cpp"),
    ("direction", "runner includes bench", {"bench/load.h": "#pragma once\n", "runner/main.cpp": '#include "bench/load.h"\n'}, "runner/main.cpp"),
    ("direction", "bench includes tests", {"bench/load.cpp": '#include "tests/support/clock.h"\n'}, "bench/load.cpp"),
    ("direction", "runner includes samples", {"runner/main.cpp": '#  include <samples/x.h>\n'}, "runner/main.cpp"),
    ("direction", "a relative include", {"io/reader.cpp": '#include "../runner/options.h"\n'}, "io/reader.cpp"),
    ("pure pool", "pool sees Asio", {"pool/bucket.cpp": "#include <boost/asio/awaitable.hpp>\n"}, "pool/bucket.cpp"),
    ("pure pool", "pool sees simdjson", {"pool/bucket.cpp": "#include <simdjson.h>\n"}, "pool/bucket.cpp"),
    ("pure pool", "pool sees the system", {"pool/bucket.cpp": "#include <unistd.h>\n"}, "pool/bucket.cpp"),
    ("pure pool", "pool has threads", {"pool/bucket.h": "#pragma once\n#include <mutex>\n"}, "pool/bucket.h"),
    ("pure pool", "pool prints", {"pool/bucket.cpp": "#include <cstdio>\n"}, "pool/bucket.cpp"),
    ("heavy header", "Beast in a header", {"io/wire.h": "#pragma once\n#include <boost/beast/http.hpp>\n"}, "io/wire.h"),
    ("heavy header", "Boost.JSON in a header", {"runner/config.h": "#pragma once\n#include <boost/json/value.hpp>\n"}, "runner/config.h"),
    ("heavy header", "Boost.JSON as one header", {"runner/config.h": "#pragma once\n#include <boost/json.hpp>\n"}, "runner/config.h"),
    ("heavy header", "simdjson in a header", {"io/reader.h": "#pragma once\n#include <simdjson.h>\n"}, "io/reader.h"),
    ("heavy header", "OpenSSL in a header", {"io/tls.h": "#pragma once\n#include <openssl/ssl.h>\n"}, "io/tls.h"),
    ("heavy header", "SQLite in a header", {"io/reader.h": "#pragma once\n#include <sqlite3.h>\n"}, "io/reader.h"),
    ("heavy header", "SQLite in another file of io", {"io/reader.cpp": "#include <sqlite3.h>\n"}, "io/reader.cpp"),
    ("heavy header", "Asio's TLS in a header", {"io/tls.h": "#pragma once\n#include <boost/asio/ssl/context.hpp>\n"}, "io/tls.h"),
    ("heavy header", "simdjson in the runner", {"runner/main.cpp": "#include <simdjson.h>\n"}, "runner/main.cpp"),
    ("clocks and dice", "steady_clock in pool", {"pool/bucket.cpp": "auto t = std::chrono::steady_clock::now();\n"}, "pool/bucket.cpp"),
    ("clocks and dice", "steady_clock in another file of io", {"io/reader.cpp": "auto t = std::chrono::steady_clock::now();\n"}, "io/reader.cpp"),
    ("clocks and dice", "steady_clock in another file of runner", {"runner/main.cpp": "auto t = steady_clock :: now();\n"}, "runner/main.cpp"),
    ("clocks and dice", "steady_clock by another name", {"pool/bucket.cpp": "using C = std::chrono::steady_clock;\nauto t = C::now();\n"}, "pool/bucket.cpp"),
    ("clocks and dice", "system_clock in io", {"io/reader.cpp": "auto t = std::chrono::system_clock::now();\n"}, "io/reader.cpp"),
    ("clocks and dice", "dice in pool", {"pool/bucket.cpp": "std::random_device dice;\n"}, "pool/bucket.cpp"),
    ("no test", "a .cpp of pool without a test", {"tests/pool/bucket_test.cpp": None}, "pool/bucket.cpp"),
    ("no test", "a test file that tests nothing", {"tests/io/reader_test.cpp": "// TEST(Reader, Reads)\n"}, "io/reader.cpp"),
    ("no test", "a dialect without a test", {"tests/io/openai_dialect_test.cpp": None}, "io/dialects/openai.cpp"),
    ("no test", "the transport without tests", {"tests/transport/exchange_test.cpp": None}, "io/http_transport.cpp"),
    ("options", "options read elsewhere", {"runner/shard.cpp": '#include "runner/options.h"\n'}, "runner/shard.cpp"),
    ("options", "options read in another test", {"tests/runner/shard_test.cpp": '#include "runner/options.h"\n'}, "tests/runner/shard_test.cpp"),
    ("rooms", "a new top-level folder", {"scripts/x.sh": ""}, "scripts"),
    ("names", "a file without a room", {"runner/util.h": "#pragma once\n"}, "runner/util.h"),
    ("names", "part of a name", {"io/json_helpers.h": "#pragma once\n"}, "io/json_helpers.h"),
    ("names", "a folder without a room", {"tests/common/x.h": "#pragma once\n"}, "tests/common/x.h"),
    ("pragma once", "a header without it", {"runner/x.h": "// #pragma once\n"}, "runner/x.h"),
    ("detached", "a detached coroutine", {"runner/clock.cpp": "net::co_spawn(io, work(), net::detached);\n"}, "runner/clock.cpp"),
    ("named tests", "a document that names no test", {"docs/cases.md": "| shown by |\n|---|\n| `Subject.Gone` |\n"}, "docs/cases.md"),
    ("detached", "a detached thread", {"runner/clock.cpp": "worker.detach();\n"}, "runner/clock.cpp"),
)


class BadTree(unittest.TestCase):
    def test_each_breach_is_found_and_no_other_rule_complains(self):
        for rule, what, changes, path in BAD:
            with self.subTest(rule=rule, what=what):
                found = breaches_of(changes)
                self.assertIn((rule, path), {(breach.rule, breach.path) for breach in found})
                self.assertLessEqual({breach.rule for breach in found} - {rule}, {"direction", "heavy header", "pure pool"})

    def test_every_rule_has_a_bad_tree(self):
        source = Path(house.__file__).read_text()
        named = set(house.re.findall(r'rule = "([a-z ]+)"', source)) | set(
            house.re.findall(r'Breach\(\s*[^,]+(?:\[0\])?, [^,]+, "([a-z ]+)"', source)
        )
        self.assertEqual(len(named), len(house.RULES))
        self.assertEqual(named - {"asio count"}, {rule for rule, *_ in BAD})

    def test_a_seventh_file_that_sees_asio_through_headers(self):
        deep = {"io/a.h": '#pragma once\n#include "io/b.h"\n', "io/b.h": '#pragma once\n#include "io/transport.h"\n'}
        users = {f"runner/user_{i}.cpp": '#include "io/a.h"\n' for i in range(3)}
        self.assertEqual(breaches_of({**deep, **users}), [])  # with the three of the good tree: six
        found = breaches_of({**deep, **users, "runner/one_more.cpp": '#include "io/a.h"\n'})
        self.assertEqual({breach.rule for breach in found}, {"asio count"})
        self.assertEqual(len(found), 7)
        self.assertIn("runner/one_more.cpp > io/a.h > io/b.h > io/transport.h", "\n".join(map(str, found)))


class Text(unittest.TestCase):
    def test_comments_and_literals_are_not_code(self):
        harmless = (
            "// steady_clock::now()\n"
            "/* std::chrono::steady_clock::now()\n random_device */\n"
            'const char* a = "steady_clock::now() \\" random_device";\n'
            'const char* b = R"x(steady_clock::now() " )x";\n'
            "int million = 1'000'000; char quote = '\"';\n"
        )
        self.assertEqual(breaches_of({"pool/bucket.cpp": harmless}), [])
        found = breaches_of({"pool/bucket.cpp": harmless + "auto t = steady_clock::now();\n"})
        self.assertEqual([(breach.rule, breach.line) for breach in found], [("clocks and dice", 7)])

    def test_lengths_of_functions(self):
        text = (
            "namespace n {\nstruct S {\n  int f() const {\n    if (x) {\n      return 1;\n    }\n    return 2;\n  }\n};\n"
            "void g(int a,\n       int b) {\n  work();\n}\nint v = 3;\n}\n"
        )
        self.assertEqual(list(house.functions(house.Source("io/x.cpp", text))), [("f", 3, 6), ("g", 10, 4)])


if __name__ == "__main__":
    unittest.main()

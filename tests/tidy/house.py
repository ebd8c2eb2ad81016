#!/usr/bin/env python3
"""Keeps the house in the shape its map shows: reads the source tree and fails on what breaks a rule.

    house.py [ROOT]     exit 0: every rule holds; 1: "file:line: rule: what is wrong" for each breach

It also prints the longest files and functions, without judging them: size is a smell to look at.
"""

import bisect
import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOMS = ("pool", "io", "runner", "bench", "tests")
TOP_LEVEL = {*ROOMS, "samples", "docs", "packaging", "build", "node_modules"}

# Which project files a room may include.
MAY_INCLUDE = {
    "pool": ("pool/*",),
    "io": ("io/*", "pool/outcome.h", "pool/ids.h", "pool/time.h"),
    "runner": ("runner/*", "io/*", "pool/*"),
    "bench": ("bench/*", "runner/*", "io/*", "pool/*"),
    "tests": ("*",),
}

# The core decides; it has no threads, files or streams, and of the outside only fmt.
POOL_FORBIDS_STD = {
    "condition_variable", "csignal", "cstdio", "filesystem", "fstream", "future", "iostream", "istream", "latch",
    "barrier", "mutex", "ostream", "semaphore", "shared_mutex", "stop_token", "thread",
}
POOL_LAST_WORDS = ("pool/invariant.cpp", "cstdio")  # a broken invariant says so before it aborts

# Headers of the outside, and the only files that may include them. None of these may be a header:
# what a header includes, everybody who includes it pays for.
ROOMS_OF_HEADERS = (
    ("Beast", r"boost/beast(/|\.hpp)", ("io/*.cpp", "runner/admin/*.cpp", "bench/*.cpp", "tests/*.cpp")),
    ("OpenSSL", r"(openssl/|boost/asio/ssl)", ("io/*.cpp", "runner/admin/*.cpp", "bench/*.cpp", "tests/*.cpp")),
    ("SQLite", r"sqlite3", ("io/state_store.cpp", "tests/*.cpp")),
    ("simdjson", r"simdjson", ("io/*.cpp", "bench/*.cpp", "tests/*.cpp")),
    ("Boost.JSON", r"boost/json(/|\.hpp)", ("io/json_impl.cpp", "runner/*.cpp", "runner/json_node.h", "bench/*.cpp", "tests/*.cpp")),
)

# Where the world's clocks and dice may be read.
ROOMS_OF_CALLS = (
    ("steady_clock", ("runner/clock.*", "io/http_transport.cpp", "bench/*", "tests/*")),
    ("high_resolution_clock", ()),
    ("system_clock", ("runner/*", "bench/*", "tests/*")),
    ("random_device", ("runner/*", "bench/*", "tests/*")),
)

# Options are what was typed, Settings what it means: only the way from one to the other sees both.
OPTIONS_READERS = ("main", "run", "options", "make_settings", "option_table")

ASIO_LIMIT = 6
ASIO = re.compile(r"boost/(asio|beast)(/|\.hpp)")

# .cpp files that hold no code of their own, or whose tests need a network and live in tests/transport.
UNTESTED = {"io/http_impl.cpp", "io/json_impl.cpp"}
TESTED_IN_TRANSPORT = {"io/http_transport.cpp", "io/tls.cpp"}

HOMELESS_NAMES = {"util", "utils", "utility", "utilities", "common", "helper", "helpers", "types", "misc"}


@dataclass(frozen=True)
class Breach:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Include:
    line: int
    target: str
    quoted: bool


def without_comments_and_strings(text):
    """The same text, same length and lines, with comments and the insides of literals blanked out."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/'
        r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])*'",
        re.DOTALL,
    )
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


class Source:
    """One C++ file: its includes and its code without comments and literals."""

    def __init__(self, path, text):
        self.path = path
        self.room = path.split("/")[0]
        self.stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        self.is_header = path.endswith(".h")
        self.text = text
        self.lines = text.count("\n")
        self.code = without_comments_and_strings(text)
        self.includes = [
            Include(number, match.group(2), match.group(1) == '"')
            for number, line in enumerate(text.split("\n"), 1)
            if (match := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line))
        ]
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def line_of(self, offset):
        return bisect.bisect_right(self._line_starts, offset)


class House:
    """The tree: C++ sources by path, other files by name."""

    def __init__(self, root):
        self.root = Path(root)
        self.folders = sorted(
            entry.name for entry in self.root.iterdir() if entry.is_dir() and not entry.name.startswith(".")
        )
        self.files = sorted(
            path.relative_to(self.root).as_posix()
            for room in ROOMS
            for path in (self.root / room).rglob("*")
            if path.is_file() and not {"node_modules", "__pycache__"} & set(path.parts)
        )
        self.sources = {
            path: Source(path, (self.root / path).read_text(encoding="utf-8", errors="replace"))
            for path in self.files
            if path.endswith((".h", ".cpp"))
        }

    def project_file(self, include):
        """The source an include means, or None for a header of the outside."""
        return self.sources.get(include.target)

    def sees(self, source, pattern):
        """The chain of includes that leads from a source to a header of the outside, or None."""
        todo, seen = [(source, (source.path,))], {source.path}
        while todo:
            current, chain = todo.pop()
            for include in current.includes:
                if pattern.search(include.target):
                    return (*chain, include.target)
                inner = self.project_file(include)
                if inner and inner.path not in seen:
                    seen.add(inner.path)
                    todo.append((inner, (*chain, inner.path)))
        return None


def matches(path, patterns):
    return any(fnmatch(path, pattern) for pattern in patterns)


def check_direction(house):
    rule = "direction"
    for source in house.sources.values():
        for include in source.includes:
            if include.quoted and not house.project_file(include):
                yield Breach(source.path, include.line, rule, f'"{include.target}" names no file from the top of the tree')
            elif include.target.split("/")[0] in (*ROOMS, "samples") and not matches(
                include.target, MAY_INCLUDE[source.room]
            ):
                yield Breach(source.path, include.line, rule, f"{source.room}/ may not include {include.target}")


def check_pool_is_pure(house):
    for source in house.sources.values():
        if source.room != "pool":
            continue
        for include in source.includes:
            standard = re.fullmatch(r"[a-z_0-9]+", include.target) and include.target not in POOL_FORBIDS_STD
            if standard or include.target.startswith(("fmt/", "pool/")) or (source.path, include.target) == POOL_LAST_WORDS:
                continue
            yield Breach(
                source.path, include.line, "pure pool", f"pool/ sees std (no threads, no I/O), fmt and pool/, not {include.target}"
            )


def check_headers_of_the_outside(house):
    for source in house.sources.values():
        for include in source.includes:
            for name, pattern, allowed in ROOMS_OF_HEADERS:
                if not re.match(pattern, include.target):
                    continue
                if source.is_header and source.path not in allowed:
                    yield Breach(source.path, include.line, "heavy header", f"{name} in a header: {include.target}")
                elif not matches(source.path, allowed):
                    yield Breach(source.path, include.line, "heavy header", f"{name} has no business here: {include.target}")


def check_clocks_and_dice(house):
    for source in house.sources.values():
        for name, allowed in ROOMS_OF_CALLS:
            if matches(source.path, allowed):
                continue
            if name == "random_device":
                pattern = r"\brandom_device\b"
            else:
                aliases = re.findall(rf"using\s+(\w+)\s*=\s*[\w:]*\b{name}\s*;", source.code)
                pattern = rf"\b({'|'.join([name, *aliases])})\s*::\s*now\b"
            for match in re.finditer(pattern, source.code):
                yield Breach(source.path, source.line_of(match.start()), "clocks and dice", f"{name} outside its room")


def asio_users(house):
    users = []
    for source in house.sources.values():
        if source.path.endswith(".cpp") and source.room in ("pool", "io", "runner", "bench"):
            chain = house.sees(source, ASIO)
            if chain:
                users.append(chain)
    return users


def check_asio_count(house):
    users = asio_users(house)
    if len(users) > ASIO_LIMIT:
        for chain in users:
            yield Breach(
                chain[0], 1, "asio count", f"one of {len(users)} (at most {ASIO_LIMIT}) that see Asio or Beast: {' > '.join(chain)}"
            )


def check_tests_exist(house):
    def has_tests(path):
        source = house.sources.get(path)
        return source is not None and re.search(r"\b(TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(", source.code)

    for source in house.sources.values():
        if source.room not in ("pool", "io") or source.is_header or source.path in UNTESTED:
            continue
        inner = source.path[len(source.room) + 1 : -len(".cpp")]
        names = [source.stem, inner, inner.replace("/", "_")]
        if "dialects/" in inner:
            names.append(f"{source.stem}_dialect")
        places = [f"tests/{source.room}/{name}_test.cpp" for name in names]
        if source.path in TESTED_IN_TRANSPORT:
            places += [path for path in house.sources if fnmatch(path, "tests/transport/*_test.cpp")]
        if not any(has_tests(place) for place in places):
            yield Breach(source.path, 1, "no test", f"expected tests in {places[0]}")


def check_options_readers(house):
    for source in house.sources.values():
        stem = source.stem[: -len("_test")] if source.room == "tests" else source.stem
        for include in source.includes:
            if include.target != "runner/options.h" or (source.room in ("runner", "tests") and stem in OPTIONS_READERS):
                continue
            yield Breach(source.path, include.line, "options", f"only {', '.join(OPTIONS_READERS)} read runner/options.h")


def check_top_level(house):
    for folder in house.folders:
        if folder not in TOP_LEVEL and not folder.startswith(("build-", "cmake-build-")):
            yield Breach(folder, 1, "rooms", "not a room of the house (the map is in the README)")


def check_names(house):
    for path in house.files:
        for part in path.split("/")[1:]:
            words = set(re.split(r"[_\-.]", part.lower()))
            if words & HOMELESS_NAMES:
                yield Breach(path, 1, "names", f"'{part}' says that this has not found its room yet")


def check_headers_guarded(house):
    for source in house.sources.values():
        if source.is_header and not re.search(r"^\s*#\s*pragma\s+once\b", source.code, re.MULTILINE):
            yield Breach(source.path, 1, "pragma once", "a header without #pragma once")


def check_nothing_detached(house):
    for source in house.sources.values():
        for match in re.finditer(r"\bdetached\b|\.\s*detach\s*\(", source.code):
            yield Breach(source.path, source.line_of(match.start()), "detached", "every spawn and thread is joined")


def check_documents_name_tests_that_exist(house):
    """Of every table with a column "shown by": suites, tests of suites, functions and files of tests."""
    known = set()
    for path in house.files:
        if not path.startswith("tests/"):
            continue
        known |= {path, *(parent.as_posix() for parent in Path(path).parents)}
        if path.endswith("_test.py"):
            known |= set(re.findall(r"def (test_\w+)", (house.root / path).read_text(encoding="utf-8")))
        elif path in house.sources:
            for suite, name in re.findall(r"\bTEST(?:_F|_P)?\s*\(\s*(\w+)\s*,\s*(\w+)", house.sources[path].code):
                known |= {suite, f"{suite}.{name}"}
    for document in sorted((house.root / "docs").glob("*.md")):
        column = None
        for number, line in enumerate(document.read_text(encoding="utf-8").split("\n"), 1):
            cells = [cell.strip() for cell in line.split("|")] if line.startswith("|") else []
            if not cells or "shown by" in cells:
                column = cells.index("shown by") if cells else None
            elif column is not None and column < len(cells):
                for name in re.findall(r"`([A-Z]\w*(?:\.\w+)?|test_\w+|tests/[^`]+)`", cells[column]):
                    if name not in known:
                        yield Breach(f"docs/{document.name}", number, "named tests", f"there is no test {name}")


RULES = (
    check_direction,
    check_pool_is_pure,
    check_headers_of_the_outside,
    check_clocks_and_dice,
    check_asio_count,
    check_tests_exist,
    check_options_readers,
    check_top_level,
    check_names,
    check_headers_guarded,
    check_nothing_detached,
    check_documents_name_tests_that_exist,
)


def functions(source):
    """(name, first line, lines) of each function body, found by its braces; close enough for a list to look at."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), source.code, flags=re.MULTILINE)
    depth, head_start, open_body = 0, 0, None
    scopes = []
    for match in re.finditer(r"[{};]", code):
        mark, at = match.group(), match.start()
        if open_body is not None:
            depth += {"{": 1, "}": -1}.get(mark, 0)
            if depth == 0:
                name, start = open_body
                first, last = source.line_of(start), source.line_of(at)
                yield name, first, last - first + 1
                open_body, head_start = None, at + 1
            continue
        if mark == "{":
            head = code[head_start:at]
            name = re.search(r"(~?[\w:]+|operator\s*\S+?)\s*\(", head)
            is_scope = re.search(r"\b(namespace|class|struct|union|enum)\b[^()=]*$", head)
            if name and not is_scope:
                open_body, depth = (name.group(1), head_start + len(head) - len(head.lstrip())), 1
                continue
            scopes.append(mark)
        elif mark == "}" and scopes:
            scopes.pop()
        head_start = at + 1


def print_sizes(house, out):
    production = [source for source in house.sources.values() if source.room != "tests"]
    bodies = sorted(((lines, f"{source.path}:{first}", name) for source in production for name, first, lines in functions(source)), reverse=True)
    print(f"{len(house.sources)} C++ files, {sum(source.lines for source in production)} lines and "
          f"{sum(source.lines for source in house.sources.values() if source.room == 'tests')} of tests", file=out)
    print("longest files", file=out)
    for source in sorted(production, key=lambda source: -source.lines)[:8]:
        print(f"  {source.lines:5d}  {source.path}", file=out)
    print(f"longest functions ({sum(lines > 70 for lines, _, _ in bodies)} of {len(bodies)} over 70 lines)", file=out)
    for lines, place, name in bodies[:8]:
        print(f"  {lines:5d}  {place}  {name}", file=out)
    print(f"see Asio or Beast ({ASIO_LIMIT} allowed)", file=out)
    for chain in asio_users(house):
        print(f"         {chain[0]}", file=out)


def breaches(root):
    house = House(root)
    return [breach for rule in RULES for breach in rule(house)]


def main(arguments):
    root = arguments[1] if len(arguments) > 1 else Path(__file__).resolve().parents[2]
    house = House(root)
    print_sizes(house, sys.stdout)
    found = [breach for rule in RULES for breach in rule(house)]
    for breach in found:
        print(breach)
    print(f"{len(RULES)} rules, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

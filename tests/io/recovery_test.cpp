#include "io/recovery.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "io/result.h"
#include "io/row_reader.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

// One line of an output file and the identity its row has in the input.
struct Written {
  std::string line;
  RowIdentity identity;
};

// The lines a run writes for rows of every kind.
std::vector<Written> written_lines() {
  const ScratchDir scratch;
  scratch.write("in.jsonl",
                "{\"custom_id\":\"r1\",\"prompt\":\"x\",\"metadata\":{\"a\":[1,\"}\\n\"]}}\n"
                "{\"prompt\":\"x\"}\n{\"prompt\":\"x\"}\n"
                "{\"custom_id\":\"r1\",\"prompt\":\"other\"}\n"
                "not json \"\xFF\\\n"
                "{\"custom_id\":\"r\\n\\\"2\\u00e9\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":"
                "\"\xF0\x9F\x98\x80\"}]}}\n"
                "{\"custom_id\":\"bad\",\"prompt\":7}\n"
                "{\"custom_id\":\"bad\",\"prompt\":7}\n");
  RowReader reader("in.jsonl", {});
  std::vector<Written> lines;
  for (int i = 0;; ++i) {
    auto next = reader.next();
    std::string line;
    if (auto* row = std::get_if<RowPtr>(&next)) {
      Answer answer;
      answer.body = "{\"choices\":[{\"message\":{\"content\":\"}{\\n\\\"\"}}]}";
      if (i % 2 == 0) {
        append_result_line(line, **row, answer, 200, "req", {1, "p", "k", "m", 1, 2, 3});
      } else {
        append_error_line(line, **row, {"bad_request", "no\n", {}, 400, "", "<html>"}, {});
      }
      lines.push_back({line, (*row)->identity});
    } else if (auto* error = std::get_if<RowError>(&next)) {
      append_refusal_line(line, *error);
      lines.push_back({line, error->identity});
    } else {
      return lines;
    }
  }
}

struct Recovery {
  RecoveredFile file;
  DoneRows done;
};

Recovery recover_file(const std::string& path) {
  Recovery out;
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_GE(fd, 0);
  out.file = recover(fd, path, out.done);
  out.done.seal();
  ::close(fd);
  return out;
}

// The same for a file that is only in memory: a sync of it costs nothing, so that thousands can be tried.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(::memfd_create("out", MFD_CLOEXEC)) {
    EXPECT_EQ(::write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  Recovery recovered() const {
    Recovery out;
    out.file = recover(fd_, "out", out.done);
    out.done.seal();
    return out;
  }
  std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_, 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  const int fd_;
};

void expect_valid_lines(const std::string& text) {
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    simdjson::dom::parser parser;
    EXPECT_EQ(parser.parse(simdjson::padded_string(std::string_view(text).substr(at, end - at))).error(),
              simdjson::SUCCESS);
    at = end + 1;
  }
}

TEST(Recover, FindsExactlyTheWholeLinesOfAFileCutAnywhere) {
  const auto lines = written_lines();
  ASSERT_EQ(lines.size(), 8u);
  std::string text;
  for (const auto& line : lines) text += line.line;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const MemoryFile file(std::string_view(text).substr(0, cut));
    const auto recovery = file.recovered();
    // An object is whole without its LF, too.
    std::size_t whole = 0, end = 0;
    while (whole < lines.size() && end + lines[whole].line.size() - 1 <= cut)
      end += lines[whole++].line.size();
    ASSERT_EQ(recovery.done.size(), whole) << "cut at " << cut;
    ASSERT_EQ(recovery.file.lines, whole);
    ASSERT_EQ(recovery.file.corrupt_lines, 0u);
    ASSERT_EQ(recovery.file.size, end);
    ASSERT_EQ(recovery.file.repaired_bytes, cut > end ? cut - end : 0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(recovery.done.find(lines[i].identity) == DoneRows::Match::done, i < whole)
          << "cut at " << cut << " row " << i;
    }
    const std::string now = file.text();
    ASSERT_EQ(now, text.substr(0, end));
    if (cut % 7 == 0) expect_valid_lines(now + lines[0].line);
  }
}

TEST(Recover, CutsNulsThatAPowerLossLeft) {
  const auto lines = written_lines();
  const ScratchDir scratch;
  const std::string one = lines[0].line, two = lines[1].line;
  for (const std::size_t nuls : {1u, 4096u, 200'000u}) {
    const std::string tail(nuls, '\0');
    scratch.write("out", one + tail);
    EXPECT_EQ(recover_file("out").file.repaired_bytes, nuls);
    EXPECT_EQ(scratch.read("out"), one);
    scratch.write("out", one + two.substr(0, 20) + tail);
    EXPECT_EQ(recover_file("out").done.size(), 1u);
    EXPECT_EQ(scratch.read("out"), one);
    scratch.write("out", one + two.substr(0, two.size() - 1) + tail);
    const auto recovery = recover_file("out");
    EXPECT_EQ(recovery.done.size(), 2u);
    EXPECT_EQ(recovery.file.size, one.size() + two.size());
    EXPECT_EQ(scratch.read("out"), one + two);
    scratch.write("out", tail);
    EXPECT_EQ(recover_file("out").file.size, 0u);
    EXPECT_EQ(scratch.read("out"), "");
  }
}

TEST(Recover, SetsBadLinesAsideAndKeepsTheRest) {
  const auto lines = written_lines();
  const ScratchDir scratch;
  const std::string text = lines[0].line + "garbage \xFF\n\n{\"foreign\":1}\n" + lines[1].line + "more";
  for (int round = 0; round < 2; ++round) {
    scratch.write("out", text);
    const auto recovery = recover_file("out");
    EXPECT_EQ(recovery.file.lines, 2u);
    EXPECT_EQ(recovery.file.corrupt_lines, 2u);
    EXPECT_EQ(recovery.file.repaired_bytes, 4u);
    EXPECT_EQ(recovery.done.find(lines[1].identity), DoneRows::Match::done);
    EXPECT_EQ(scratch.read("out.corrupt"), "garbage \xFF\n{\"foreign\":1}\n");
    EXPECT_EQ(scratch.read("out"), text.substr(0, text.size() - 4));
  }
}

TEST(Recover, TakesAMissingFileAsEmpty) {
  const ScratchDir scratch;
  const auto recovery = recover_file("new");
  EXPECT_EQ(recovery.file.size, 0u);
  EXPECT_EQ(recovery.done.size(), 0u);
}

TEST(Recover, ReadsLinesLongerThanItsBuffer) {
  const ScratchDir scratch;
  auto parsed = parse_row("{\"id\":\"a\",\"prompt\":\"x\"}", 1);
  const Row& row = *std::get<RowPtr>(parsed);
  Answer answer;
  answer.body = "{\"content\":\"" + std::string(5'000'000, 'x') + "\"}";
  std::string text;
  append_result_line(text, row, answer, 200, "", {});
  const std::string small = written_lines()[1].line;
  scratch.write("out", small + text + small + text.substr(0, 4'000'000));
  const auto recovery = recover_file("out");
  EXPECT_EQ(recovery.file.lines, 3u);
  EXPECT_EQ(recovery.file.repaired_bytes, 4'000'000u);
  EXPECT_EQ(recovery.done.find(row.identity), DoneRows::Match::done);
}

TEST(Recover, ReadsTheDeepestLineARunCanWrite) {
  const ScratchDir scratch;
  auto parsed =
      parse_row("{\"prompt\":\"x\",\"deep\":" + std::string(127, '[') + std::string(127, ']') + "}", 1);
  const Row& row = *std::get<RowPtr>(parsed);
  std::string text;
  append_error_line(text, row, {"c", "m", {}, 500, "", std::string(128, '[') + std::string(128, ']')}, {});
  scratch.write("out", text);
  EXPECT_EQ(recover_file("out").done.find(row.identity), DoneRows::Match::done);
}

TEST(DoneRows, TellsChangedFromUnknown) {
  DoneRows done;
  const RowIdentity rows[] = {{5, 1}, {5, 3}, {7, 2}, {0xFFFFFFFF00000000u, 9}, {0x00000000FFFFFFFFu, 9}};
  for (const auto& row : rows) done.add(row);
  done.add(rows[0]);
  done.seal();
  EXPECT_EQ(done.size(), 5u);
  for (const auto& row : rows) EXPECT_EQ(done.find(row), DoneRows::Match::done);
  for (const std::uint32_t content : {0u, 2u, 4u})
    EXPECT_EQ(done.find({5, content}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({7, 9}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({6, 1}), DoneRows::Match::unknown);
  EXPECT_EQ(done.find({0xFFFFFFFFFFFFFFFFu, 9}), DoneRows::Match::unknown);
}

}  // namespace
}  // namespace batchrun

#include "io/recovery.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>

#include "io/result.h"
#include "io/row_reader.h"
#include "tests/support/memory_files.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

using namespace std::string_literals;

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
  std::string text;  // of the file, afterwards
};

Recovery recovered(MemoryFiles& files) {
  Recovery out;
  OutputFile file = OutputFile::open(files, "out");
  out.file = recover(file, out.done);
  out.done.seal();
  out.text = files.text("out");
  return out;
}

Recovery recovered(const std::string& text) {
  MemoryFiles files;
  files.put("out", text);
  return recovered(files);
}

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
    const auto recovery = recovered(text.substr(0, cut));
    // An object is whole without its LF, too.
    std::size_t whole = 0, end = 0;
    while (whole < lines.size() && end + lines[whole].line.size() - 1 <= cut)
      end += lines[whole++].line.size();
    ASSERT_EQ(recovery.done.size(), whole) << "cut at " << cut;
    ASSERT_EQ(recovery.file.lines, whole);
    ASSERT_EQ(recovery.file.bad_lines, 0u);
    ASSERT_EQ(recovery.file.size, end);
    ASSERT_EQ(recovery.file.repaired_bytes, cut > end ? cut - end : 0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(recovery.done.find(lines[i].identity) == DoneRows::Match::done, i < whole)
          << "cut at " << cut << " row " << i;
    }
    ASSERT_EQ(recovery.text, text.substr(0, end));
    if (cut % 7 == 0) expect_valid_lines(recovery.text + lines[0].line);
  }
}

// A name given by mistake, say.
TEST(Recover, LeavesAFileThatIsNotItsOwn) {
  const std::string line = written_lines()[0].line;
  for (const std::string& text : {"x"s, "notes\n"s, "one\ntwo"s, "{\"a\":1}\n{\"b\":2}\n"s, "{}"s,
                                  "\n\n[]\n"s, "{\"id\":\"batch_1\",\"custom_id\":\"a\"}\n"s}) {
    MemoryFiles files;
    files.put("out", text);
    OutputFile file = OutputFile::open(files, "out");
    DoneRows done;
    EXPECT_THROW(recover(file, done), OutputError) << text;
    EXPECT_EQ(files.text("out"), text);
  }
  for (const std::string& text :
       {""s, "\n"s, " \n\t"s, line.substr(0, 1), line.substr(0, 30), line.substr(0, 30) + "\nx\n"s,
        "no\n"s + line, line + "no"s, std::string(5, '\0'), "xx\0"s + line.substr(20)}) {
    EXPECT_NO_THROW(recovered(text)) << text;
  }
}

TEST(Recover, CutsNulsThatAPowerLossLeft) {
  const auto lines = written_lines();
  const std::string one = lines[0].line, two = lines[1].line;
  for (const std::size_t nuls : {1u, 4096u, 200'000u}) {
    const std::string tail(nuls, '\0');
    const auto whole = recovered(one + tail);
    EXPECT_EQ(whole.file.repaired_bytes, nuls);
    EXPECT_EQ(whole.text, one);
    const auto torn = recovered(one + two.substr(0, 20) + tail);
    EXPECT_EQ(torn.done.size(), 1u);
    EXPECT_EQ(torn.text, one);
    const auto without_lf = recovered(one + two.substr(0, two.size() - 1) + tail);
    EXPECT_EQ(without_lf.done.size(), 2u);
    EXPECT_EQ(without_lf.file.size, one.size() + two.size());
    EXPECT_EQ(without_lf.text, one + two);
    const auto nothing = recovered(tail);
    EXPECT_EQ(nothing.file.size, 0u);
    EXPECT_EQ(nothing.text, "");
  }
}

TEST(Recover, CountsBadLinesAndLeavesThem) {
  const auto lines = written_lines();
  const std::string text = lines[0].line + "garbage \xFF\n\n{\"foreign\":1}\n" + lines[1].line;
  const auto recovery = recovered(text + "more");
  EXPECT_EQ(recovery.file.lines, 2u);
  EXPECT_EQ(recovery.file.bad_lines, 2u);
  EXPECT_EQ(recovery.file.repaired_bytes, 4u);
  EXPECT_EQ(recovery.done.find(lines[1].identity), DoneRows::Match::done);
  EXPECT_EQ(recovery.text, text);
}

TEST(Recover, SyncsWhatItCountsAsDone) {
  const auto lines = written_lines();
  MemoryFiles files;
  {
    OutputFile killed = OutputFile::open(files, "out");
    killed.append(lines[0].line + lines[1].line);
  }
  EXPECT_EQ(recovered(files).done.size(), 2u);
  std::mt19937_64 random(1);
  files.lose_power(random);
  EXPECT_EQ(files.text("out"), lines[0].line + lines[1].line);
}

TEST(Recover, TakesAMissingFileAsEmpty) {
  MemoryFiles files;
  const auto recovery = recovered(files);
  EXPECT_EQ(recovery.file.size, 0u);
  EXPECT_EQ(recovery.done.size(), 0u);
}

// The parts' borders fall anywhere in lines short and long, good and bad, and behind a tail without LF.
TEST(Recover, ScansInPartsWhatItScansInOne) {
  const ScratchDir scratch;
  const auto lines = written_lines();
  std::mt19937_64 random(20);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (std::size_t i = random() % 30; i > 0; --i) {
      const std::uint64_t kind = random() % 10;
      if (kind < lines.size()) text += lines[kind].line;
      if (kind == 8) text += "bad line\n";
      if (kind == 9) text += std::string(random() % 70'000, 'x') + "\n";
    }
    if (random() % 2 == 0) text += lines[0].line.substr(0, random() % lines[0].line.size());
    scratch.write("one", text);
    scratch.write("parts", text);
    DoneRows done_one, done_parts;
    OutputFile one = OutputFile::open(system_files(), "one"),
               parts = OutputFile::open(system_files(), "parts");
    const RecoveredFile a = recover(one, done_one, {text.size() + 1});
    const RecoveredFile b = recover(parts, done_parts, {1 + random() % 300});
    EXPECT_EQ(a.lines, b.lines);
    EXPECT_EQ(a.bad_lines, b.bad_lines);
    EXPECT_EQ(a.size, b.size);
    EXPECT_EQ(a.repaired_bytes, b.repaired_bytes);
    EXPECT_TRUE(scratch.read("one") == scratch.read("parts"));
    const auto twice_one = done_one.seal(), twice_parts = done_parts.seal();
    EXPECT_EQ(twice_one, twice_parts);
    EXPECT_EQ(done_one.size(), done_parts.size());
  }
}

TEST(Recover, ReadsLinesLongerThanItsBuffer) {
  auto parsed = parse_row("{\"id\":\"a\",\"prompt\":\"x\"}", 1);
  const Row& row = *std::get<RowPtr>(parsed);
  Answer answer;
  answer.body = "{\"content\":\"" + std::string(5'000'000, 'x') + "\"}";
  std::string text;
  append_result_line(text, row, answer, 200, "", {});
  const std::string small = written_lines()[1].line;
  const auto recovery = recovered(small + text + small + text.substr(0, 4'000'000));
  EXPECT_EQ(recovery.file.lines, 3u);
  EXPECT_EQ(recovery.file.repaired_bytes, 4'000'000u);
  EXPECT_EQ(recovery.done.find(row.identity), DoneRows::Match::done);
}

TEST(Recover, ReadsTheDeepestLineARunCanWrite) {
  auto parsed =
      parse_row("{\"prompt\":\"x\",\"deep\":" + std::string(127, '[') + std::string(127, ']') + "}", 1);
  const Row& row = *std::get<RowPtr>(parsed);
  std::string text;
  append_error_line(text, row, {"c", "m", {}, 500, "", std::string(128, '[') + std::string(128, ']')}, {});
  EXPECT_EQ(recovered(text).done.find(row.identity), DoneRows::Match::done);
}

// Sets aside what is no line of ours, and every line of one row.
std::uint64_t set_aside(MemoryFiles& files, const RowIdentity& unwanted) {
  OutputFile file = OutputFile::open(files, "out");
  const std::uint64_t moved = set_lines_aside(
      file, "aside", [&](const std::optional<LoggedRow>& row) { return !row || row->identity == unwanted; });
  file.append("next\n");  // what is open now is what has the name
  return moved;
}

TEST(SetLinesAside, MovesThemAndKeepsTheRest) {
  const auto lines = written_lines();
  const std::string one = lines[0].line, two = lines[1].line, three = lines[2].line;
  MemoryFiles files;
  files.put("aside", "earlier\n");
  files.put("out", one + "garbage\n" + two + three + two);
  EXPECT_EQ(set_aside(files, lines[1].identity), 3u);
  EXPECT_EQ(files.text("out"), one + three + "next\n");
  EXPECT_EQ(files.text("aside"), "earlier\ngarbage\n" + two + two);
  EXPECT_FALSE(files.exists("out.tmp"));
}

TEST(SetLinesAside, WritesNothingWhenThereIsNothingToMove) {
  const auto lines = written_lines();
  MemoryFiles files;
  files.put("out", lines[0].line + lines[1].line);
  EXPECT_EQ(set_aside(files, lines[2].identity), 0u);
  EXPECT_EQ(files.text("out"), lines[0].line + lines[1].line + "next\n");
  EXPECT_FALSE(files.exists("aside"));
}

TEST(SetLinesAside, KeepsTheLockOfTheFile) {
  const auto lines = written_lines();
  MemoryFiles files;
  files.put("out", lines[0].line + "garbage\n");
  OutputFile file = OutputFile::open(files, "out");
  set_lines_aside(file, "aside", [](const std::optional<LoggedRow>& row) { return !row; });
  EXPECT_THROW(OutputFile::open(files, "out"), OutputError);
}

}  // namespace
}  // namespace batchrun

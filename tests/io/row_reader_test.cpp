#include "io/row_reader.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "io/result.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

// A row or a refusal, told in a few words.
struct Seen {
  std::uint64_t line;
  std::string id;
  std::string code;  // "" for a row
  friend bool operator==(const Seen&, const Seen&) = default;
};

struct Reading {
  std::vector<Seen> seen;
  std::vector<RowIdentity> identities;
  std::vector<std::string> messages;
  std::string errors;  // every row and refusal as an error line
};

Reading read(const std::string& text, std::size_t max_line = 1000) {
  const ScratchDir scratch;
  scratch.write("in.jsonl", text);
  RowReader reader("in.jsonl", {max_line});
  Reading out;
  for (;;) {
    auto next = reader.next();
    if (auto* row = std::get_if<RowPtr>(&next)) {
      out.seen.push_back({(*row)->line, (*row)->custom_id, ""});
      out.identities.push_back((*row)->identity);
      append_error_line(out.errors, **row, {"bad_request", "no", {}, 0, "", ""}, {});
    } else if (auto* error = std::get_if<RowError>(&next)) {
      out.seen.push_back({error->line, error->custom_id, error->code});
      out.identities.push_back(error->identity);
      out.messages.push_back(error->message);
      append_refusal_line(out.errors, *error);
    } else {
      break;
    }
  }
  EXPECT_EQ(reader.bytes_done(), text.size());
  EXPECT_EQ(reader.bytes_total(), text.size());
  return out;
}

TEST(RowReader, GivesOneRowOrRefusalForEveryLineThatIsNotBlank) {
  const auto out = read(
      "\xEF\xBB\xBF{\"id\":\"a\",\"prompt\":\"x\"}\r\n\n  "
      "\t\r\n{\"id\":\"b\",\"prompt\":\n{\"id\":\"c\",\"prompt\":\"y\"}");
  ASSERT_EQ(out.seen.size(), 3u);
  EXPECT_EQ(out.seen[0], (Seen{1, "a", ""}));
  EXPECT_EQ(out.seen[1].line, 4u);
  EXPECT_EQ(out.seen[1].code, "invalid_row");
  EXPECT_EQ(out.seen[2], (Seen{5, "c", ""}));
}

TEST(RowReader, RefusesTheLaterOfTwoEqualIds) {
  const auto out = read(
      "{\"id\":\"a\",\"prompt\":\"x\"}\n{\"id\":\"b\",\"prompt\":\"x\"}\n{\"custom_id\":\"a\",\"prompt\":"
      "\"y\"}\n"
      "{\"id\":\"a\",\"prompt\":7}\n");
  const std::vector<Seen> expected = {
      {1, "a", ""}, {2, "b", ""}, {3, "a", "duplicate_custom_id"}, {4, "a", "duplicate_custom_id"}};
  EXPECT_EQ(out.seen, expected);
  EXPECT_EQ(out.messages[0], "the custom_id of line 3 is already that of line 1");
}

TEST(RowReader, NumbersEqualRowsWithoutIds) {
  const auto out =
      read("{\"prompt\":\"x\"}\n{\"prompt\":\"x\"}\n{\"prompt\":\"y\"}\n{\"prompt\":\"x\"}\nbad\nbad\n");
  ASSERT_EQ(out.seen.size(), 6u);
  const std::string x = out.seen[0].id, bad = out.seen[4].id;
  EXPECT_EQ(out.seen[1].id, x + "-2");
  EXPECT_NE(out.seen[2].id, x);
  EXPECT_EQ(out.seen[3].id, x + "-3");
  EXPECT_EQ(out.seen[5].id, bad + "-2");
}

TEST(RowReader, ReportsALineThatIsTooLongAndGoesOn) {
  const std::string large = "{\"prompt\":\"" + std::string(3'000'000, 'x') + "\"}";
  const auto out = read(large + "\n{\"id\":\"a\",\"prompt\":\"x\"}\n" + large + "\n");
  ASSERT_EQ(out.seen.size(), 3u);
  EXPECT_EQ(out.messages[0], "the line has 3000013 bytes, allowed are 1000 (--max-line)");
  EXPECT_EQ(out.seen[1], (Seen{2, "a", ""}));
  EXPECT_EQ(out.seen[2].id, out.seen[0].id + "-2");
}

// Whatever the lines are, each has an identity of its own, and reading the file again finds the same ones.
TEST(RowReader, GivesEveryLineAnIdentityOfItsOwn) {
  std::string text;
  const char* const lines[] = {"{\"prompt\":\"x\"}",
                               "{\"id\":\"a\",\"prompt\":\"x\"}",
                               "{\"id\":\"a\",\"prompt\":7}",
                               "bad",
                               "[]",
                               "{\"id\":\"b\",\"query\":\"x\"}",
                               "{\"messages\":[{\"content\":\"x\"}]}"};
  for (int i = 0; i < 70; ++i) text += std::string(lines[i % 7]) + "\n";
  const auto out = read(text);
  ASSERT_EQ(out.seen.size(), 70u);
  std::set<std::pair<std::uint64_t, std::uint32_t>> identities;
  for (const auto& identity : out.identities) identities.insert({identity.id_hash, identity.content_hash});
  EXPECT_EQ(identities.size(), 70u);
  EXPECT_EQ(read(text).identities, out.identities);
}

// An errors file is an input, and its rows keep their identity.
TEST(RowReader, ReadsItsOwnErrorLinesAgain) {
  const auto first = read(
      "{\"prompt\":\"x\"}\n{\"prompt\":\"x\"}\n{\"id\":\"a\",\"prompt\":\"x\",\"tags\":[\"t\"]}\n"
      "{\"custom_id\":\"b\",\"method\":\"POST\",\"body\":{\"messages\":[{\"content\":\"x\"}]}}\nbad\n");
  const auto second = read(first.errors);
  ASSERT_EQ(second.seen.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(second.identities[i], first.identities[i]) << i;
    EXPECT_EQ(second.seen[i].id, first.seen[i].id);
    EXPECT_EQ(second.seen[i].code, first.seen[i].code);
  }
  // Beside the rows they came from, they are duplicates.
  const auto both = read("{\"prompt\":\"x\"}\n{\"prompt\":\"x\"}\n" + first.errors);
  EXPECT_EQ(both.seen[2].code, "duplicate_custom_id");
  EXPECT_EQ(both.seen[3].code, "duplicate_custom_id");
}

// Everything that is left to be read, told in words.
std::vector<std::string> rest_of(RowReader& reader) {
  std::vector<std::string> told;
  for (;;) {
    const RowReader::Item item = reader.next();
    std::string line;
    if (const auto* row = std::get_if<RowPtr>(&item)) {
      append_error_line(line, **row, {"", "", {}, 0, "", ""}, {});
    } else if (const auto* error = std::get_if<RowError>(&item)) {
      append_refusal_line(line, *error);
    } else {
      return told;
    }
    told.push_back(line);
  }
}

RowIdentity identity_of(const RowReader::Item& item) {
  const auto* const row = std::get_if<RowPtr>(&item);
  return row ? (*row)->identity : std::get<RowError>(item).identity;
}

// Lines with equal ids, equal content without ids, blank ones and bad ones among them.
std::string mixed_lines(std::mt19937& random, int count) {
  std::string text = random() % 2 == 0 ? "\xEF\xBB\xBF" : "";
  for (int i = 0; i < count; ++i) {
    const std::string filler(random() % 60, 'x');
    switch (random() % 10) {
      case 0:
        text += "{\"prompt\":\"" + std::to_string(random() % 3) + "\"}";
        break;
      case 1:
        text += "{\"id\":\"" + std::to_string(random() % 40) + "\",\"prompt\":\"" + filler + "\"}";
        break;
      case 2:
        text += random() % 2 == 0 ? "  " : "{\"id\":";
        break;
      case 3:
        text += "{\"prompt\":\"" + std::string(1000 + random() % 2, 'y') + "\"}";
        break;
      default:
        text += "{\"id\":\"row-" + std::to_string(i) + "\",\"prompt\":\"" + filler + "\"}";
    }
    text += random() % 4 == 0 ? "\r\n" : "\n";
  }
  return text;
}

// As if each row had been read and looked up.
TEST(RowReader, SkipsWhatIsDoneAndGoesOnWithWhatIsNot) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const ScratchDir scratch;
    scratch.write("in.jsonl", mixed_lines(random, static_cast<int>(random() % 300)));
    const RowReaderOptions options{1000};
    const std::uint64_t first_not_done = random() % 300;
    const std::uint64_t others_done = random() % 3;

    RowReader all("in.jsonl", options);
    DoneRows done;
    std::uint64_t expected = 0;
    std::optional<std::uint64_t> stop;
    for (;; ++expected) {
      RowReader::Item item = all.next();
      if (std::holds_alternative<RowReader::End>(item)) break;
      if (expected == first_not_done) {
        const auto* const row = std::get_if<RowPtr>(&item);
        stop = row ? (*row)->line : std::get<RowError>(item).line;
        while (!std::holds_alternative<RowReader::End>(item = all.next())) {
          if (others_done > 0 && random() % others_done == 0) done.add(identity_of(item));
        }
        break;
      }
      done.add(identity_of(item));
    }
    done.seal();

    RowReader reader("in.jsonl", options), one_by_one("in.jsonl", options);
    const RowReader::Skipped skipped = reader.skip(done, 1 + random() % 3000);
    EXPECT_EQ(skipped.rows, expected);
    ASSERT_EQ(skipped.stop.has_value(), stop.has_value());
    if (stop) {
      EXPECT_EQ(skipped.stop->number, *stop);
    }
    for (std::uint64_t i = 0; i < expected; ++i) one_by_one.next();
    EXPECT_EQ(rest_of(reader), rest_of(one_by_one));
  }
}

// What has been read ahead is not done: the rows of a large file are estimated by this.
TEST(RowReader, BytesDoneAreThoseOfTheRowsGiven) {
  const ScratchDir scratch;
  const std::string row = "{\"prompt\":\"" + std::string(80, 'x') + "\"}\n";
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += row;
  scratch.write("in.jsonl", text);
  RowReader reader("in.jsonl", {});
  EXPECT_EQ(reader.bytes_done(), 0u);
  for (std::size_t n = 1; n <= 2000; ++n) {
    reader.next();
    ASSERT_EQ(reader.bytes_done(), n * row.size() - 1);
  }
  DoneRows done;
  for (RowReader all("in.jsonl", {}); done.size() < 700;) done.add(std::get<RowPtr>(all.next())->identity);
  done.seal();
  RowReader resumed("in.jsonl", {});
  EXPECT_EQ(resumed.skip(done).rows, 700u);
  EXPECT_EQ(resumed.bytes_done(), 701 * row.size() - 1) << "with the row that is held";
}

TEST(RowReader, ManyEqualRowsStayCheap) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "{\"prompt\":\"x\"}\n";
  const auto out = read(text);
  ASSERT_EQ(out.seen.size(), 20'000u);
  EXPECT_EQ(out.seen.back().id, out.seen.front().id + "-20000");
}

TEST(RowReader, ThrowsForWhatIsNoInput) {
  const ScratchDir scratch;
  EXPECT_THROW(RowReader(scratch.path(), {}), InputError);
  EXPECT_THROW(RowReader("missing", {}), InputError);
}

}  // namespace
}  // namespace batchrun

#include "runner/progress.h"

#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include <optional>

#include "tests/support/sample_figures.h"

namespace batchrun {
namespace {

std::size_t columns_of(const std::string& text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      ++columns;
    }
  }
  return columns;
}

TEST(RenderBar, FitsEveryWidth) {
  RunFigures figures = sample_figures();
  for (const bool waiting : {false, true}) {
    if (waiting) {
      figures.waiting_for = std::chrono::seconds(12);
      figures.waiting_reason = "8 of 8 keys rate-limited, first back \xc3\xbc-3";
    }
    for (int columns = 1; columns < 220; ++columns) {
      for (const bool color : {false, true}) {
        const std::string bar = render_bar(figures, columns, color);
        EXPECT_LE(columns_of(bar), static_cast<std::size_t>(columns)) << bar;
        EXPECT_EQ(bar.find('\n'), std::string::npos);
        EXPECT_EQ(bar.find('\x1b') != std::string::npos && !color, false);
      }
    }
  }
}

TEST(RenderBar, SaysWhatMattersFirst) {
  const std::string bar = render_bar(sample_figures(), 160, false);
  for (const char* part : {"42 %", "4,210/~10,000 rows", "3 failed", "1m 36s left", "60 rows/s",
                           "64 in flight", "360k tok/min", "budget 75 %", "2 x 429"}) {
    EXPECT_NE(bar.find(part), std::string::npos) << part << " in " << bar;
  }
  const std::string narrow = render_bar(sample_figures(), 40, false);
  EXPECT_NE(narrow.find("4,210/~10,000 rows"), std::string::npos) << narrow;
}

TEST(RenderBar, SaysHowNearTheBestPossibleTheRunIs) {
  RunFigures figures = sample_figures();
  EXPECT_EQ(render_plain(figures).find("of the best"), std::string::npos);
  figures.pool.quota = sample_quota();
  EXPECT_NE(render_plain(figures).find("97 % of the best"), std::string::npos) << render_plain(figures);
  simdjson::dom::parser parser;
  const simdjson::dom::element json = parser.parse(render_json(figures, 0));
  EXPECT_NEAR(double(json["efficiency"]), 0.9706, 1e-4);
  EXPECT_EQ(std::string_view(json["bottleneck"]), "openai/org-a tokens per minute");
  EXPECT_NEAR(double(json["lost"]["packing"]), 0.0147, 1e-4);
  EXPECT_NEAR(double(json["lost"]["foreign_use"]), 0.0044, 1e-4);
}

TEST(RenderBar, NeverWaitsInSilence) {
  RunFigures figures = sample_figures();
  figures.waiting_for = std::chrono::seconds(12);
  figures.waiting_reason = "8 of 8 keys rate-limited, first back openai-3";
  EXPECT_NE(
      render_bar(figures, 120, false).find("waiting 12 s: 8 of 8 keys rate-limited, first back openai-3"),
      std::string::npos);
  EXPECT_NE(render_plain(figures).find("waiting 12 s: 8 of 8 keys"), std::string::npos);
}

TEST(RenderBar, SaysHundredPercentOnlyWhenAllIsDone) {
  RunFigures figures;
  figures.input_ended = true;
  figures.rows_read = 1000;
  figures.rows_ok = 999;
  EXPECT_NE(render_plain(figures).find("99 %"), std::string::npos);
  figures.rows_ok = 1000;
  EXPECT_NE(render_plain(figures).find("100 %"), std::string::npos);
}

TEST(RenderJson, IsOneObjectWithTheFigures) {
  RunFigures figures = sample_figures();
  figures.waiting_for = std::chrono::seconds(3);
  figures.waiting_reason = "a \"quoted\" reason";
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const std::string text = render_json(figures, 1795313701);
  ASSERT_EQ(parser.parse(text).get(document), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::string_view(document["time"]), "2026-11-22T02:15:01Z");
  EXPECT_EQ(std::uint64_t(document["rows_done"]), 4210u);
  EXPECT_EQ(std::uint64_t(document["rows_total_estimate"]), 10'000u);
  EXPECT_NEAR(double(document["rows_per_second"]), 60, 0.01);
  EXPECT_EQ(std::string_view(document["waiting_reason"]), "a \"quoted\" reason");
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

// A Progress that writes into a pipe.
class Listener {
 public:
  explicit Listener(ProgressMode mode) {
    EXPECT_EQ(::pipe(ends_), 0);
    progress_.emplace(mode, false, ends_[1]);
  }
  ~Listener() {
    progress_.reset();
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Progress& progress() { return *progress_; }

  // What was written since the last call.
  std::string heard() {
    EXPECT_EQ(::write(ends_[1], "\x04", 1), 1);
    std::string out;
    for (char c = 0; ::read(ends_[0], &c, 1) == 1 && c != '\x04';) out += c;
    return out;
  }

 private:
  int ends_[2] = {-1, -1};
  std::optional<Progress> progress_;
};

RunFigures at(double elapsed_s, std::uint64_t done) {
  RunFigures figures;
  figures.elapsed = from_seconds(elapsed_s);
  figures.input_ended = true;
  figures.rows_read = 1000;
  figures.rows_ok = done;
  return figures;
}

TEST(Progress, WritesDatedLinesEveryTenSecondsAndAtEachTenth) {
  Listener listener(ProgressMode::plain);
  const auto after = [&](double elapsed_s, std::uint64_t done) {
    listener.progress().update(at(elapsed_s, done), 1795313701);
    return listener.heard();
  };
  EXPECT_EQ(after(0.1, 0), "");
  EXPECT_EQ(after(5, 50), "");
  EXPECT_EQ(after(10.1, 60).rfind("2026-11-22T02:15:01Z  6 %  60/1,000 rows", 0), 0u);
  EXPECT_EQ(after(11, 99), "");
  EXPECT_NE(after(12, 100), "") << "a tenth";
  EXPECT_EQ(after(12.5, 200), "") << "not two within a second";
  EXPECT_NE(after(13.2, 200), "");
  EXPECT_EQ(after(14, 250), "");
  EXPECT_NE(after(14.1, 1000), "") << "the end is said at once";
  EXPECT_EQ(after(14.2, 1000), "");
}

TEST(Progress, SaysAtOnceThatAWaitHasBegunAndThenEveryTenSeconds) {
  Listener listener(ProgressMode::plain);
  RunFigures figures = at(3, 10);
  figures.waiting_for = std::chrono::seconds(30);
  figures.waiting_reason = "2 of 2 keys rate-limited";
  listener.progress().update(figures, 0);
  EXPECT_NE(listener.heard().find("waiting 30 s: 2 of 2 keys rate-limited"), std::string::npos);
  figures.elapsed = std::chrono::seconds(4);
  listener.progress().update(figures, 0);
  EXPECT_EQ(listener.heard(), "");
  figures.elapsed = std::chrono::seconds(13);
  listener.progress().update(figures, 0);
  EXPECT_NE(listener.heard(), "");
}

TEST(Progress, DrawsTheBarTenTimesASecondAndLeavesAnEmptyLine) {
  Listener listener(ProgressMode::bar);
  int drawn = 0;
  for (int tick = 0; tick < 100; ++tick) {
    listener.progress().update(at(tick * 0.02, 5), 0);
    drawn += listener.heard().empty() ? 0 : 1;
  }
  EXPECT_GE(drawn, 19);
  EXPECT_LE(drawn, 21);
  listener.progress().say("note: hello\n");
  EXPECT_EQ(listener.heard(), "\r\x1b[Knote: hello\n");
  listener.progress().update(at(9, 5), 0);
  EXPECT_EQ(listener.heard().rfind("\r", 0), 0u);
  listener.progress().finish();
  EXPECT_EQ(listener.heard(), "\r\x1b[K");
  listener.progress().finish();
  EXPECT_EQ(listener.heard(), "");
}

TEST(Progress, KeepsSilentWhenToldButAnswersAStatusRequest) {
  Listener listener(ProgressMode::none);
  listener.progress().update(at(60, 500), 0);
  EXPECT_EQ(listener.heard(), "");
  listener.progress().status(at(60, 500), 0);
  EXPECT_NE(listener.heard().find("500/1,000 rows"), std::string::npos);
}

TEST(Progress, IsPlainOffATerminal) {
  EXPECT_EQ(Listener(ProgressMode::automatic).progress().mode(), ProgressMode::plain);
}

}  // namespace
}  // namespace batchrun

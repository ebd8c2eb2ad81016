#include "runner/summary.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/sample_figures.h"

namespace batchrun {
namespace {

Settings sample_settings() {
  Settings settings;
  settings.input = "in.jsonl";
  settings.output = "in.results.jsonl";
  settings.errors = "in.errors.jsonl";
  settings.report = "in.report.json";
  settings.resume_command = "batchrun in.jsonl";
  return settings;
}

TEST(Summary, SaysWhatHappenedInNumbers) {
  RunFigures figures = sample_figures();
  figures.input_ended = true;
  const std::string text = render_summary(sample_settings(), figures, RunEnd::interrupted, false);
  for (const char* part :
       {"interrupted: 4,197 ok, 3 failed, 10 already done before, 790 not done; 1m 10s (60 rows/s)",
        "350,000 in, 70,000 out (360k tok/min)",
        "requests: 4,300, 2 answered 429 (0.05 %), 21 retries",
        "cost: $0.0945, and 7 rows of models without a known price\n",
        "perhaps billed besides: up to $0.001500, for 3 requests that failed after they were sent\n",
        "openai-1",
        "2,200",
        "openai/org-a",
        "tokens per minute",
        "45.0k",
        "60.0k",
        "75.0 %",
        "43.0 %",
        "p50",
        "2 x bad_request",
        "for example r17: unknown parameter",
        "results: in.results.jsonl",
        "errors:  in.errors.jsonl",
        "report:  in.report.json",
        "resume: batchrun in.jsonl"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(Summary, SaysHowNearTheBestPossibleTheRunCameAndWhatItLostToWhat) {
  RunFigures figures = sample_figures();
  EXPECT_EQ(render_summary(sample_settings(), figures, RunEnd::complete, false).find("best possible"),
            std::string::npos);
  figures.pool.quota = sample_quota();
  std::string text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  EXPECT_NE(text.find("quota used 97.1 % of the best possible; lost: 1.5 % packing, 0.9 % tail, "
                      "0.4 % foreign use\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("bottleneck   openai/org-a tokens per minute, 98.7 % used; these rows take 1m 06s at "
                      "best\n"),
            std::string::npos);
  figures.pool.quota->dimension.reset();
  figures.pool.quota->share.reset();
  figures.pool.quota->lost = {};
  text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  EXPECT_NE(text.find("of the best possible\nbottleneck   openai/org-a open requests; "), std::string::npos)
      << text;
}

TEST(Summary, ShowsStateAndScoreOfEachKey) {
  RunFigures figures = sample_figures();
  figures.pool.keys[1].score = 12.4;
  const std::string text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  EXPECT_NE(text.find("key       state        score  requests"), std::string::npos) << text;
  EXPECT_NE(text.find("openai-1  healthy        100     2,200"), std::string::npos) << text;
  EXPECT_NE(text.find("openai-2  unavailable     12     2,200"), std::string::npos) << text;
}

TEST(Summary, FitsAHundredColumnsAndHoldsNothingATerminalObeys) {
  RunFigures figures = sample_figures();
  figures.pool.quota = sample_quota();
  figures.pool.quota->lost = {0, 0, 0.185, 0.186, 0.287, 0, 0.1};
  const std::string text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_NE(render_summary(sample_settings(), sample_figures(), RunEnd::complete, true).find("\x1b["),
            std::string::npos);
}

TEST(Summary, OffersToGoOnOnlyWhereThatIsPossible) {
  Settings settings = sample_settings();
  EXPECT_FALSE(resumable(settings, RunEnd::complete));
  for (const RunEnd end : {RunEnd::interrupted, RunEnd::stopped, RunEnd::no_usable_key, RunEnd::output_failed,
                           RunEnd::input_failed}) {
    EXPECT_TRUE(resumable(settings, end));
  }
  settings.input = "-";
  EXPECT_FALSE(resumable(settings, RunEnd::interrupted));
  EXPECT_EQ(render_summary(settings, {}, RunEnd::interrupted, false).find("resume:"), std::string::npos);
}

TEST(Summary, ShowsLatenciesAsBarsThatAddUpToTheRows) {
  const std::string text = render_summary(sample_settings(), sample_figures(), RunEnd::complete, false);
  std::istringstream lines(text);
  std::uint64_t rows = 0;
  int bars = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool step = line.find("<= ") != std::string::npos, last = line.rfind("        more", 0) == 0;
    if (!step && !last) continue;
    ++bars;
    std::istringstream words(line.substr(12));
    std::uint64_t count = 0;
    words >> count;
    rows += count;
  }
  EXPECT_EQ(bars, 9) << text;
  EXPECT_NEAR(static_cast<double>(rows), 1000, 5) << text;
}

TEST(Summary, ShortensLongTables) {
  RunFigures figures = sample_figures();
  figures.pool.keys.resize(200);
  for (int i = 0; i < 50; ++i) figures.errors["code_" + std::to_string(i)] = {1, "x", "y"};
  const std::string text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  EXPECT_NE(text.find("160 more keys"), std::string::npos);
  EXPECT_NE(text.find("40 more kinds"), std::string::npos);
}

TEST(Summary, SaysWhichKeysTurnedOutToShareAQuota) {
  RunFigures figures = sample_figures();
  figures.pool.merges.push_back({.keys = {"openai-1"}, .joined = {"openai-3\x1b[31m"}});
  figures.pool.merges.push_back({.keys = {"a", "b", "c", "d", "e"}, .joined = {"f"}});
  figures.pool.merges.push_back({.keys = {"g"}, .joined = {"h"}, .reason = GroupMerge::Reason::remaining});
  figures.pool.merges.push_back({.keys = {"i"},
                                 .joined = {"j"},
                                 .reason = GroupMerge::Reason::earlier_run,
                                 .found_on = std::chrono::sys_days(std::chrono::days(20'000))});
  const std::string text = render_summary(sample_settings(), figures, RunEnd::complete, false);
  for (const char* part :
       {"g and h share one quota: what remains of their limits falls together\n",
        "i and j share one quota: an earlier run found that on 2024-10-04\n",
        "openai-1 and openai-3\\x1b[31m share one quota: their replies name the same organisation\n",
        "a, b, c (2 more) and f share one quota"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

}  // namespace
}  // namespace batchrun

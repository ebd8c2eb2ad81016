#include "runner/answer_sources.h"

#include <gtest/gtest.h>

#include "runner/report.h"
#include "tests/support/sample_figures.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

class AnswerSourcesTest : public testing::Test {
 protected:
  AnswerSourcesTest() {
    settings_.output = "in.results.jsonl";
    settings_.report = "in.report.json";
    for (const char* name : {"openai", "groq"}) {
      Provider provider;
      provider.name = name;
      provider.endpoint.origin.host = std::string(name) + ".example";
      provider.endpoint.base_path = "/v1";
      provider.default_model = std::string(name) + "-small";
      settings_.providers.push_back(std::move(provider));
    }
    settings_.keys.push_back({0, "openai-1", Credential("sk-canary-0123456789"), {}, {}});
    settings_.routes.push_back({"cheap", {{0, "a"}, {1, "b"}}});
  }

  void leave_report() {
    write_whole_file(settings_.report,
                     render_report(settings_, sample_figures(), RunEnd::stopped, 1795313701, 1795313771));
  }

  const ScratchDir scratch_;
  Settings settings_;
};

TEST_F(AnswerSourcesTest, AreTheSameUntilSomethingIsChanged) {
  EXPECT_EQ(other_sources_than_before(settings_), "") << "there is no report yet";
  leave_report();
  EXPECT_EQ(other_sources_than_before(settings_), "");
  settings_.keys.push_back({1, "groq-1", Credential("gsk-canary-0123456789"), {}, {}});
  EXPECT_EQ(other_sources_than_before(settings_), "") << "a key decides nothing";
}

TEST_F(AnswerSourcesTest, SaysWhatDecidesOtherwise) {
  leave_report();
  const auto told_after = [&](auto change) {
    Provider& openai = settings_.providers[0];
    const std::string model = openai.default_model, base = openai.endpoint.base_path;
    const std::vector<Route> routes = settings_.routes;
    change();
    std::string told = other_sources_than_before(settings_);
    openai.default_model = model;
    openai.endpoint.base_path = base;
    settings_.routes = routes;
    settings_.model.clear();
    return told;
  };
  const std::string start = "the rest may be answered by other models than before: ";
  EXPECT_EQ(told_after([&] { settings_.providers[0].default_model = "large"; }),
            start + "default model of openai was openai-small, is large");
  EXPECT_EQ(told_after([&] { settings_.providers[0].endpoint.base_path = "/v2"; }),
            start + "address of openai was https://openai.example/v1, is https://openai.example/v2");
  EXPECT_EQ(told_after([&] { settings_.routes[0].candidates.pop_back(); }),
            start + "route cheap was openai/a, groq/b, is openai/a");
  EXPECT_EQ(told_after([&] { settings_.model = "m"; }), start + "--model was not set, is m");
  EXPECT_EQ(told_after([&] {
              settings_.routes.clear();
              settings_.model = "m";
              settings_.providers[0].default_model = "";
              settings_.providers[0].endpoint.base_path = "";
            }),
            start +
                "--model was not set, is m; address of openai was https://openai.example/v1, is "
                "https://openai.example; default model of openai was openai-small, is not set; and 1 more");
  EXPECT_EQ(other_sources_than_before(settings_), "");
}

TEST_F(AnswerSourcesTest, KnowNothingFromAReportOfOtherResultsOrFromNone) {
  leave_report();
  settings_.providers[0].default_model = "large";
  EXPECT_NE(other_sources_than_before(settings_), "");
  settings_.output = "other.results.jsonl";
  EXPECT_EQ(other_sources_than_before(settings_), "");
  settings_.output = "in.results.jsonl";
  for (const char* text : {"", "{", "[]", "{}", R"({"files":{"results":"in.results.jsonl"}})",
                           R"({"files":{"results":"in.results.jsonl"},"answer_sources":{"--model":7}})"}) {
    scratch_.write("in.report.json", text);
    EXPECT_EQ(other_sources_than_before(settings_), "") << text;
  }
  settings_.report = "";
  EXPECT_EQ(other_sources_than_before(settings_), "");
  settings_.report = "/dev/null";
  EXPECT_EQ(other_sources_than_before(settings_), "");
}

}  // namespace
}  // namespace batchrun

#include "runner/report.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "io/result_writer.h"
#include "tests/support/sample_figures.h"
#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

namespace json = boost::json;

Settings sample_settings() {
  Settings settings;
  settings.input = "in.jsonl";
  settings.output = "in.results.jsonl";
  settings.errors = "in.errors.jsonl";
  settings.resume_command = "batchrun in.jsonl";
  settings.keys.push_back({0, "openai-1", Credential("sk-canary-0123456789"), {}, {}});
  return settings;
}

std::string sample_report(RunEnd end = RunEnd::complete) {
  return render_report(sample_settings(), sample_figures(), end, 1795313701, 1795313771);
}

TEST(Report, HoldsTheFiguresAndNoKey) {
  const std::string text = sample_report();
  const json::object report = json::parse(text).as_object();
  EXPECT_EQ(report.at("schema_version"), 1);
  EXPECT_EQ(report.at("end"), "complete");
  EXPECT_EQ(report.at("started_at"), "2026-11-22T02:15:01Z");
  EXPECT_EQ(report.at("finished_at"), "2026-11-22T02:16:11Z");
  EXPECT_EQ(report.at("rows").at("ok"), 4197);
  EXPECT_EQ(report.at("requests").at("retries"), 21);
  EXPECT_EQ(report.at("keys").at(1).at("state"), "unavailable");
  EXPECT_EQ(report.at("cost").at("total_usd").to_number<double>(), 0.0945);
  EXPECT_EQ(report.at("cost").at("perhaps_billed_usd").to_number<double>(), 0.0015);
  EXPECT_EQ(report.at("cost").at("by_provider_usd").at("openai").to_number<double>(), 0.0945);
  EXPECT_EQ(report.at("cost").at("by_user_usd").at("ann").to_number<double>(), 0.0005);
  EXPECT_FALSE(report.at("cost").at("by_key_usd").as_object().contains("openai-2"));
  const json::value& quota = report.at("groups").at(0).at("quotas").at("tokens_per_minute");
  EXPECT_EQ(quota.at("granted").to_number<double>(), 60'000);
  EXPECT_EQ(quota.at("share").to_number<double>(), 0.75);
  EXPECT_EQ(report.at("errors").at(0).at("code"), "bad_request");
  EXPECT_FALSE(report.contains("resume_command"));
  EXPECT_EQ(text.find("canary"), std::string::npos);
  EXPECT_EQ(json::parse(sample_report(RunEnd::stopped)).at("resume_command"), "batchrun in.jsonl");
}

TEST(Report, SaysWhichGroupsWereMergedAndWhy) {
  RunFigures figures = sample_figures();
  figures.pool.merges.push_back({.keys = {"a"},
                                 .joined = {"b", "c"},
                                 .reason = GroupMerge::Reason::earlier_run,
                                 .found_on = std::chrono::sys_days(std::chrono::days(20'000))});
  const json::value report =
      json::parse(render_report(sample_settings(), figures, RunEnd::complete, 1795313701, 1795313771));
  const json::value expected{{"keys", {"a"}},
                             {"joined", {"b", "c"}},
                             {"reason", "earlier_run"},
                             {"found_at", "2024-10-04T00:00:00Z"}};
  EXPECT_EQ(report.at("merges").as_array().at(0), expected);
}

// The part of JSON Schema that the published schema uses.
class Schema {
 public:
  explicit Schema(json::value root) : root_(std::move(root)) {}

  std::string check(const json::value& value) const { return check(value, root_, "$"); }

 private:
  std::string check(const json::value& value, const json::value& rule, const std::string& at) const {
    const json::object& schema = rule.as_object();
    if (const json::value* reference = schema.if_contains("$ref")) {
      const std::string name = json::value_to<std::string>(*reference).substr(std::string("#/$defs/").size());
      return check(value, root_.at("$defs").at(name), at);
    }
    if (const json::value* type = schema.if_contains("type")) {
      if (!is(value, type->as_string())) return at + ": not of type " + json::serialize(*type);
    }
    if (const json::value* constant = schema.if_contains("const")) {
      if (value != *constant) return at + ": not the constant";
    }
    if (const json::value* choices = schema.if_contains("enum")) {
      const json::array& all = choices->as_array();
      if (std::find(all.begin(), all.end(), value) == all.end()) return at + ": not one of the choices";
    }
    if (const json::value* least = schema.if_contains("minimum")) {
      if (value.to_number<double>() < least->to_number<double>()) return at + ": too small";
    }
    if (value.is_array()) {
      for (const json::value& item : value.get_array()) {
        if (const std::string wrong = check(item, schema.at("items"), at + "[]"); !wrong.empty())
          return wrong;
      }
    }
    return value.is_object() ? check_members(value.get_object(), schema, at) : "";
  }

  // Stricter than JSON Schema: a member the schema does not describe is an error, so that none is forgotten.
  std::string check_members(const json::object& object, const json::object& schema,
                            const std::string& at) const {
    if (const json::value* required = schema.if_contains("required")) {
      for (const json::value& name : required->as_array()) {
        if (!object.contains(name.as_string())) return at + ": lacks " + json::serialize(name);
      }
    }
    for (const auto& member : object) {
      const std::string name(member.key());
      const json::value* rule = schema.if_contains("additionalProperties");
      if (const json::value* known = schema.if_contains("properties"))
        rule = known->as_object().if_contains(name);
      if (!rule) return at + "." + name + ": not in the schema";
      if (const std::string wrong = check(member.value(), *rule, at + "." + name); !wrong.empty())
        return wrong;
    }
    return "";
  }

  static bool is(const json::value& value, const json::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    return type == "number" && value.is_number();
  }

  json::value root_;
};

std::string published_schema() {
  const std::string source = __FILE__;  // <top>/tests/runner/report_test.cpp
  std::ostringstream text;
  text << std::ifstream(source.substr(0, source.rfind("/tests/")) + "/docs/report.schema.json").rdbuf();
  return text.str();
}

TEST(Report, IsWhatThePublishedSchemaDescribes) {
  const Schema schema(json::parse(published_schema()));
  for (const RunEnd end : {RunEnd::complete, RunEnd::interrupted, RunEnd::stopped, RunEnd::no_usable_key,
                           RunEnd::output_failed, RunEnd::input_failed}) {
    EXPECT_EQ(schema.check(json::parse(sample_report(end))), "");
  }
  EXPECT_EQ(schema.check(json::parse(render_report({}, {}, RunEnd::complete, 0, 0))), "")
      << "a run that did nothing";
}

TEST(Report, SaysHowNearTheOptimumTheRunCame) {
  RunFigures figures = sample_figures();
  figures.pool.quota = sample_quota();
  const json::value report = json::parse(render_report({}, figures, RunEnd::complete, 0, 0));
  EXPECT_EQ(Schema(json::parse(published_schema())).check(report), "");
  const json::value& optimum = report.at("optimum");
  EXPECT_EQ(optimum.at("efficiency").to_number<double>(), 0.971);
  EXPECT_EQ(optimum.at("least_s").to_number<double>(), 66);
  EXPECT_EQ(optimum.at("bottleneck_group"), "openai/org-a");
  EXPECT_EQ(optimum.at("bottleneck_limit"), "tokens_per_minute");
  EXPECT_EQ(optimum.at("bottleneck_share").to_number<double>(), 0.987);
  EXPECT_EQ(optimum.at("lost").at("packing").to_number<double>(), 0.015);
  EXPECT_EQ(optimum.at("lost").at("foreign_use").to_number<double>(), 0.004);
  EXPECT_EQ(optimum.at("lost").at("outage").to_number<double>(), 0);
}

TEST(WriteWholeFile, ReplacesTheFileWholeAndLeavesNothingElse) {
  const ScratchDir dir;
  dir.write("report.json", "old", 0644);
  write_whole_file("report.json", "new\n");
  EXPECT_EQ(dir.read("report.json"), "new\n");
  struct stat status {};
  ASSERT_EQ(::stat("report.json", &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto entries = std::filesystem::directory_iterator(dir.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(WriteWholeFile, ThrowsAndCleansUpWhereItCannotWrite) {
  const ScratchDir dir;
  EXPECT_THROW(write_whole_file("no/such/dir/r.json", "x"), OutputError);
  std::filesystem::create_directory("taken");
  EXPECT_THROW(write_whole_file("taken", "x"), OutputError);
  const auto entries = std::filesystem::directory_iterator(dir.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "the temporary file is gone";
}

}  // namespace
}  // namespace batchrun

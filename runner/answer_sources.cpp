#include "runner/answer_sources.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>

#include "runner/config.h"

namespace batchrun {
namespace {

namespace json = boost::json;

constexpr std::size_t largest_report = 16u << 20;
constexpr std::size_t changes_told = 3;

// What a report of the same results says; nothing if there is none that can be read.
std::optional<AnswerSources> sources_before(const Settings& settings) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(settings.report, error)) return std::nullopt;
  try {
    const json::value report = json::parse(read_whole_file(settings.report, largest_report, ""));
    if (report.at("files").at("results").as_string() != settings.output) return std::nullopt;
    AnswerSources sources;
    for (const auto& [name, value] : report.at("answer_sources").as_object()) {
      sources[name] = value.as_string();
    }
    return sources;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string value_in(const AnswerSources& sources, const std::string& name) {
  const auto at = sources.find(name);
  return at == sources.end() ? "not set" : at->second;
}

}  // namespace

AnswerSources answer_sources(const Settings& settings) {
  AnswerSources sources;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) sources[name] = value;
  };
  for (const Provider& provider : settings.providers) {
    add("address of " + provider.name, provider.endpoint.origin.url() + provider.endpoint.base_path);
    add("default model of " + provider.name, provider.default_model);
  }
  for (const Route& route : settings.routes) {
    std::string& candidates = sources["route " + route.name];
    for (const auto& [provider, model] : route.candidates) {
      candidates += (candidates.empty() ? "" : ", ") + settings.providers[provider].name + "/" + model;
    }
  }
  add("--provider", settings.provider);
  add("--model", settings.model);
  return sources;
}

std::string other_sources_than_before(const Settings& settings) {
  const std::optional<AnswerSources> before = sources_before(settings);
  if (!before) return "";
  const AnswerSources now = answer_sources(settings);
  AnswerSources all = now;
  all.insert(before->begin(), before->end());
  std::string told;
  std::size_t changes = 0;
  for (const auto& [name, value] : all) {
    const std::string was = value_in(*before, name), is = value_in(now, name);
    if (was == is || ++changes > changes_told) continue;
    told += fmt::format("{}{} was {}, is {}", told.empty() ? "" : "; ", name, was, is);
  }
  if (changes == 0) return "";
  if (changes > changes_told) told += fmt::format("; and {} more", changes - changes_told);
  return "the rest may be answered by other models than before: " + told;
}

}  // namespace batchrun

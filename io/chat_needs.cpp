#include "io/chat_needs.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <iterator>

#include "io/ascii.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

std::string_view member_text(const JsonTokens& tokens, Value object, std::string_view wanted) {
  const auto value = find_member(tokens, object, wanted);
  return value ? string_inner(tokens, *value) : std::string_view();
}

double number_of(const JsonTokens& tokens, Value value) {
  const std::string_view raw = tokens.raw(value);
  double number = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), number);
  return number;
}

std::size_t size_of(const JsonTokens& tokens, Value array) {
  std::size_t size = 0;
  for (ArrayWalk walk(tokens, array); walk.next();) ++size;
  return size;
}

bool asks_nothing(const JsonTokens& tokens, Value value) {
  switch (tokens.first(value)) {
    case 'n':
    case 'f':
      return true;
    case '[':
      return size_of(tokens, value) == 0;
    case '{':
      return tokens.after(value) == value + 2;
    default:
      return false;
  }
}

void add_response_format(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  const std::string_view type = member_text(tokens, value, "type");
  if (type == "text") return;
  if (type == "json_object") return needs.add(Feature::json_object);
  needs.add(type == "json_schema" ? Feature::json_schema : Feature::other_value);
}

bool is_blank(const JsonTokens& tokens, Value value) {
  return tokens.first(value) == '"' && ascii::trim(string_of(tokens, value)).empty();
}

void add_stop_sequence(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  if (tokens.first(value) != '"') needs.add(Feature::other_value);
  if (is_blank(tokens, value)) needs.add(Feature::stop_blank);
}

void add_stop(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  needs.add(Feature::stop);
  if (tokens.first(value) != '[') return add_stop_sequence(tokens, value, needs);
  for (ArrayWalk walk(tokens, value); walk.next();) add_stop_sequence(tokens, walk.value(), needs);
  const std::size_t size = size_of(tokens, value);
  if (size > 4) needs.add(Feature::stop_over_4);
  if (size > 5) needs.add(Feature::stop_over_5);
}

void add_modalities(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  if (tokens.first(value) != '[') return needs.add(Feature::other_value);
  for (ArrayWalk walk(tokens, value); walk.next();) {
    if (string_inner(tokens, walk.value()) != "text") needs.add(Feature::audio);
  }
}

bool is_strict(const JsonTokens& tokens, Value tool) {
  const auto function = find_member(tokens, tool, "function");
  const auto strict = function ? find_member(tokens, *function, "strict") : std::nullopt;
  return strict && tokens.first(*strict) == 't';
}

bool is_zero(const JsonTokens& tokens, Value value) {
  const char first = tokens.first(value);
  return (first == '-' || ascii::is_digit(first)) && number_of(tokens, value) == 0;
}

// Tools that are no functions are a provider's own.
void add_tools(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  needs.add(Feature::tools);
  if (tokens.first(value) != '[') return needs.add(Feature::other_value);
  for (ArrayWalk walk(tokens, value); walk.next();) {
    if (member_text(tokens, walk.value(), "type") != "function") needs.add(Feature::other_value);
    if (is_strict(tokens, walk.value())) needs.add(Feature::strict_tools);
  }
}

void add_tool_choice(const JsonTokens& tokens, Value value, FeatureSet& needs) {
  const std::string_view word = string_inner(tokens, value);
  if (word == "auto") return;
  needs.add(Feature::tool_choice);
  const bool known = word == "none" || word == "required" || member_text(tokens, value, "type") == "function";
  if (!known) needs.add(Feature::other_value);
}

void add_reasoning_effort(std::string_view word, FeatureSet& needs) {
  needs.add(Feature::reasoning_effort);
  if (word == "none") needs.add(Feature::reasoning_off);
  if (word == "minimal") needs.add(Feature::reasoning_minimal);
  if (word == "xhigh" || word == "max") needs.add(Feature::reasoning_over_high);
}

void add_parameter(const JsonTokens& tokens, MemberName name, Value value, FeatureSet& needs) {
  const std::string_view word = string_inner(tokens, value);
  switch (name) {
    case MemberName::audio:
      return needs.add(Feature::audio);
    case MemberName::modalities:
      return add_modalities(tokens, value, needs);
    case MemberName::tools:
      return add_tools(tokens, value, needs);
    case MemberName::tool_choice:
      return add_tool_choice(tokens, value, needs);
    case MemberName::functions:
    case MemberName::function_call:
      return needs.add(Feature::functions);
    case MemberName::response_format:
      return add_response_format(tokens, value, needs);
    case MemberName::stop:
      return add_stop(tokens, value, needs);
    case MemberName::seed:
      return needs.add(Feature::seed);
    case MemberName::n:
      if (number_of(tokens, value) != 1) needs.add(Feature::choices);
      return;
    case MemberName::temperature:
      needs.add(Feature::temperature);
      if (number_of(tokens, value) > 1) needs.add(Feature::temperature_over_1);
      return;
    case MemberName::top_p:
      return needs.add(Feature::top_p);
    case MemberName::top_k:
      return needs.add(Feature::top_k);
    case MemberName::min_p:
      return needs.add(Feature::min_p);
    case MemberName::frequency_penalty:
      if (!is_zero(tokens, value)) needs.add(Feature::frequency_penalty);
      return;
    case MemberName::presence_penalty:
      if (!is_zero(tokens, value)) needs.add(Feature::presence_penalty);
      return;
    case MemberName::repetition_penalty:
      return needs.add(Feature::repetition_penalty);
    case MemberName::logit_bias:
      return needs.add(Feature::logit_bias);
    case MemberName::logprobs:
    case MemberName::top_logprobs:
      return needs.add(Feature::logprobs);
    case MemberName::reasoning_effort:
      return add_reasoning_effort(word, needs);
    case MemberName::service_tier:
      if (word != "auto") needs.add(Feature::service_tier);
      return;
    case MemberName::prediction:
      return needs.add(Feature::prediction);
    case MemberName::web_search_options:
      return needs.add(Feature::web_search);
    case MemberName::verbosity:
      return needs.add(Feature::verbosity);
    case MemberName::user:
    case MemberName::safety_identifier:
      return needs.add(Feature::user);
    case MemberName::store:
      return needs.add(Feature::store);
    case MemberName::prompt_cache_key:
      return needs.add(Feature::prompt_cache);
    case MemberName::metadata:
      return needs.add(Feature::metadata);
    default:
      return needs.add(Feature::other);
  }
}

// By its type alone.
FeatureSet features_of_kind(const JsonTokens& tokens, Value part) {
  const std::string_view type = member_text(tokens, part, "type");
  const bool untyped_text = type.empty() && !member_text(tokens, part, "text").empty();
  if (type == "text" || type == "refusal" || untyped_text) return {};
  if (type == "input_audio") return FeatureSet(Feature::audio);
  if (type == "file") return FeatureSet(Feature::file);
  if (type != "image_url") return FeatureSet(Feature::other_value);
  for (ObjectWalk walk(tokens, part); walk.next();) {
    if (walk.name() != "image_url") continue;
    std::string_view url = string_inner(tokens, walk.value());
    if (url.empty()) url = member_text(tokens, walk.value(), "url");
    if (url.starts_with("data:")) return FeatureSet(Feature::image_data);
  }
  return FeatureSet(Feature::image_url);
}

}  // namespace

FeatureSet features_of_parameters(const JsonTokens& tokens, const RowMembers& body, BodyPlace place) {
  FeatureSet needs;
  if (body.has_unknown(place)) needs.add(Feature::other);
  for (std::uint32_t left = body.given_parameters(); left != 0; left &= left - 1) {
    const auto name = static_cast<MemberName>(std::countr_zero(left));
    const Value value = body[name];
    if (name == MemberName::metadata && place == BodyPlace::is_the_row) continue;
    if (name == MemberName::parallel_tool_calls) {
      if (tokens.first(value) == 'f') needs.add(Feature::serial_tool_calls);
    } else if (!asks_nothing(tokens, value)) {
      add_parameter(tokens, name, value, needs);
    }
  }
  return needs;
}

FeatureSet features_of_message_member(std::string_view name) {
  if (name == "audio") return FeatureSet(Feature::audio);
  // Of an answer that is given back, they say nothing that the model is to read.
  static constexpr std::string_view harmless[] = {"tool_call_id", "refusal", "annotations", "reasoning",
                                                  "reasoning_content"};
  const bool known = std::find(std::begin(harmless), std::end(harmless), name) != std::end(harmless);
  return known ? FeatureSet() : FeatureSet(Feature::other);
}

FeatureSet features_of_part(const JsonTokens& tokens, Value part) {
  FeatureSet needs = features_of_kind(tokens, part);
  for (ObjectWalk walk(tokens, part); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "type" || tokens.first(walk.value()) == 'n') continue;
    if (name == "image_url") {
      const std::string_view detail = member_text(tokens, walk.value(), "detail");
      if (!detail.empty() && detail != "auto") needs.add(Feature::image_detail);
    } else if (name != "text" && name != "refusal" && name != "input_audio" && name != "file") {
      needs.add(Feature::other);
    }
  }
  return needs;
}

}  // namespace batchrun

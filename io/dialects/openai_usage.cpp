#include "io/dialects/openai_usage.h"

#include <algorithm>

#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

void read_input_details(const JsonTokens& tokens, Value details, Usage& usage) {
  if (tokens.first(details) != '{') return;
  for (ObjectWalk walk(tokens, details); walk.next();) {
    if (walk.name() == "cached_tokens") usage.cached_tokens = count_of(tokens, walk.value()).value_or(0);
    if (walk.name() == "cache_write_tokens")
      usage.cache_write_tokens = count_of(tokens, walk.value()).value_or(0);
  }
}

void read_output_details(const JsonTokens& tokens, Value details, Usage& usage) {
  if (tokens.first(details) != '{') return;
  for (ObjectWalk walk(tokens, details); walk.next();) {
    if (walk.name() == "reasoning_tokens")
      usage.reasoning_tokens = count_of(tokens, walk.value()).value_or(0);
  }
}

}  // namespace

Usage openai_usage(const JsonTokens& tokens, Value object) {
  Usage usage;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    const bool input = name == "prompt_tokens" || name == "input_tokens";
    if (input || name == "completion_tokens" || name == "output_tokens") {
      const auto count = count_of(tokens, value);
      (input ? usage.input_tokens : usage.output_tokens) = count.value_or(0);
      usage.known = usage.known || count.has_value();
    } else if (name == "prompt_tokens_details" || name == "input_tokens_details") {
      read_input_details(tokens, value, usage);
    } else if (name == "completion_tokens_details" || name == "output_tokens_details") {
      read_output_details(tokens, value, usage);
    }
  }
  usage.cached_tokens = std::min(usage.cached_tokens, usage.input_tokens);
  usage.cache_write_tokens = std::min(usage.cache_write_tokens, usage.input_tokens - usage.cached_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.output_tokens);
  return usage;
}

}  // namespace batchrun

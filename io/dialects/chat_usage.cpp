#include "io/dialects/chat_usage.h"

#include "io/json_text.h"

namespace batchrun {

std::string chat_usage_json(const Usage& usage) {
  std::string out = "{\"prompt_tokens\":";
  append_json_number(out, usage.input_tokens);
  out += ",\"completion_tokens\":";
  append_json_number(out, usage.output_tokens);
  out += ",\"total_tokens\":";
  append_json_number(out, usage.input_tokens + usage.output_tokens);
  out += ",\"prompt_tokens_details\":{\"cached_tokens\":";
  append_json_number(out, usage.cached_tokens);
  out += "},\"completion_tokens_details\":{\"reasoning_tokens\":";
  append_json_number(out, usage.reasoning_tokens);
  return out + "}}";
}

}  // namespace batchrun

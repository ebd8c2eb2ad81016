#include "io/dialects/openai_embeddings.h"

#include "io/dialects/openai_errors.h"
#include "io/dialects/openai_usage.h"
#include "io/dialects/reply_fault.h"
#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

bool is_filled_array(const JsonTokens& tokens, Value value) {
  return tokens.first(value) == '[' && tokens.after(value) > value + 2;
}

}  // namespace

std::optional<Fault> decode_embeddings_body(OpenAiFlavour flavour, const ResponseHead& head,
                                            std::string_view body, Answer& answer) {
  const ReplyJson json = scan_reply(body);
  if (auto fault = wrong_body(body, json)) return with_status(std::move(*fault), head.status);
  const JsonTokens& tokens = *json.tokens;
  Answer read;
  bool has_data = false;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    const Value value = walk.value();
    if (name == "error" && is_truthy(tokens, value)) return openai_fault(flavour, head, body);
    if (name == "data") has_data = is_filled_array(tokens, value);
    if (name == "model") read.model = string_of(tokens, value);
    if (name == "usage" && tokens.first(value) == '{') read.usage = openai_usage(tokens, value);
  }
  if (!has_data) return with_status(malformed("the reply has no embeddings"), head.status);
  append_json_raw(read.body, json.text);
  answer = std::move(read);
  return std::nullopt;
}

}  // namespace batchrun

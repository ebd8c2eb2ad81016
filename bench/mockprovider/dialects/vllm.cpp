// vLLM's voice: integer codes, no limits
// (https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html).
#include <fmt/format.h>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/openai.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

std::string_view type_of(int status) {
  if (status == 404) return "NotFoundError";
  if (status >= 500) return "InternalServerError";
  return status == 429 ? "RateLimitError" : "BadRequestError";
}

class Vllm final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    if (problem.trouble == Trouble::no_key || problem.trouble == Trouble::incorrect_key) {
      return {401, R"({"error":"Unauthorized"})"};
    }
    OpenAiError error = openai_error(problem);
    // Versions before the middle of 2025.
    const bool flat = problem.variant == "flat";
    std::string body = flat ? R"({"object":"error","message":)" : R"({"error":{"message":)";
    append_json_string(body, error.message);
    body += fmt::format(R"(,"type":"{}","param":null,"code":{}}})", type_of(error.status), error.status);
    return {error.status, flat ? body : body + "}"};
  }

  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    Dialect::append_stream_error(events, problem);
    events.data.emplace_back("[DONE]");
  }

  void append_reply_fields(std::string&, std::string_view, std::string_view) const override {}
};

}  // namespace

const Dialect& vllm_dialect() {
  static const Vllm dialect;
  return dialect;
}

}  // namespace batchrun::mock

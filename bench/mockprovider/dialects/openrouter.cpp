// OpenRouter's voice: codes that are numbers, failures after the start with status 200, limits told only by a
// 429 (https://openrouter.ai/docs/api-reference/errors).
#include <fmt/format.h>

#include <cmath>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/openai.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

struct Worded {
  int status;
  std::string members;  // "code":...,"message":...
};

Worded worded(const Problem& problem) {
  OpenAiError error = openai_error(problem);
  if (problem.trouble == Trouble::quota_gone) {
    error.status = 402;
    error.message = "Insufficient credits. Add more using https://openrouter.ai/settings/credits";
  }
  if (problem.trouble == Trouble::incorrect_key) error.message = "User not found.";
  if (problem.trouble == Trouble::no_key) error.message = "No auth credentials found";
  if (problem.trouble == Trouble::prompt_refused) error.status = 403;
  if (problem.refusal) error.message = "Rate limit exceeded";
  std::string members = fmt::format("\"code\":{},\"message\":", error.status);
  append_json_string(members, error.message);
  return {error.status, std::move(members)};
}

class OpenRouter final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const Worded w = worded(problem);
    return {w.status, "{\"error\":{" + w.members + "}}"};
  }

  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    Problem provider_down = problem;
    if (provider_down.status == 0) provider_down.status = 502;
    events.data.push_back(fmt::format(
        R"({{"id":"gen-0","object":"chat.completion.chunk","created":0,"model":"","error":{{{}}},)"
        R"("choices":[{{"index":0,"delta":{{"content":""}},"finish_reason":"error"}}]}})",
        worded(provider_down).members));
  }

  void append_reply_fields(std::string& out, std::string_view id, std::string_view) const override {
    out.append("x-generation-id: gen-").append(id).append("\r\n");
  }

  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const override {
    if (!refusal) return;
    Limiter* limiter = quota.limiter(refusal->dimension);
    if (!limiter) return;
    append_format(
        out, "x-ratelimit-limit: {:.0f}\r\nx-ratelimit-remaining: {:.0f}\r\nx-ratelimit-reset: {:.0f}\r\n",
        refusal->limit, std::floor(limiter->remaining(now.since_start)),
        (static_cast<double>(now.unix_s) + in_seconds(limiter->resets_in(now.since_start))) * 1e3);
  }

  std::string_view keep_alive() const override { return ": OPENROUTER PROCESSING\n\n"; }
};

}  // namespace

const Dialect& openrouter_dialect() {
  static const OpenRouter dialect;
  return dialect;
}

}  // namespace batchrun::mock

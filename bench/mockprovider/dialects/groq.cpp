// Groq's voice: OpenAI's errors without "param"; requests of the DAY and tokens of the minute in the header
// fields (https://console.groq.com/docs/rate-limits).
#include <fmt/format.h>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/openai.h"

namespace batchrun::mock {

namespace {

OpenAiError worded(const Problem& problem) {
  if (problem.trouble != Trouble::rate_limited || !problem.refusal) return openai_error(problem);
  OpenAiError error = openai_rate_limited(
      *problem.refusal, fmt::format("model `{}` in organization `{}` service tier `on_demand`", problem.model,
                                    problem.organisation));
  if (problem.refusal->too_large) error.status = 413;
  return error;
}

class Groq final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    const OpenAiError error = worded(problem);
    return {error.status, "{\"error\":{" + error_members_without_param(error) + "}}"};
  }

  // Variant "x_groq": a last chunk whose x_groq says why there is no more.
  void append_stream_error(StreamEvents& events, const Problem& problem) const override {
    if (problem.variant != "x_groq") return Dialect::append_stream_error(events, problem);
    events.data.emplace_back(
        R"({"id":"chatcmpl-0","object":"chat.completion.chunk","created":0,"model":"","choices":[],)"
        R"("x_groq":{"id":"req_0","error":"over capacity"}})");
  }

  // Nothing tells requests per minute; their refusal has no token fields.
  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const override {
    const auto add = [&](Dimension d, std::string_view name) {
      append_x_ratelimit(out, quota, d, name, ResetFormat::go_duration, now.since_start, refusal);
    };
    add(Dimension::requests_per_day, "requests");
    if (!refusal || refusal->dimension != Dimension::requests_per_minute)
      add(Dimension::tokens_per_minute, "tokens");
  }
};

}  // namespace

const Dialect& groq_dialect() {
  static const Groq dialect;
  return dialect;
}

}  // namespace batchrun::mock

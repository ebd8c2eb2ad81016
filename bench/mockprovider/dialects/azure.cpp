// Azure OpenAI's voice: codes that are numbers in quotes, reset times in whole seconds
// (https://learn.microsoft.com/azure/ai-services/openai/quotas-limits).
#include <fmt/format.h>

#include <algorithm>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/dialects/openai.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

std::string coded(std::string_view code, std::string_view message) {
  std::string out = fmt::format(R"({{"error":{{"code":"{}","message":)", code);
  append_json_string(out, message);
  return out + "}}";
}

std::string rate_limited(const Problem& problem) {
  const auto wait = problem.refusal ? problem.refusal->wait : Moment(std::chrono::seconds(1));
  const auto s = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
  const bool tokens = problem.refusal && counts_tokens(problem.refusal->dimension);
  return coded("429",
               fmt::format("Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
                           "2024-06-01 have exceeded {} rate limit of your current OpenAI S0 pricing tier. "
                           "Please retry after {} second{}.",
                           tokens ? "token" : "call", s, s == 1 ? "" : "s"));
}

class Azure final : public Dialect {
 public:
  ErrorReply error(const Problem& problem) const override {
    switch (problem.trouble) {
      case Trouble::no_key:
      case Trouble::incorrect_key:
        return {401, coded("401", "Access denied due to invalid subscription key or wrong API endpoint.")};
      case Trouble::unknown_model:
        return {404, coded("DeploymentNotFound", "The API deployment for this resource does not exist.")};
      case Trouble::unknown_url:
        return {404, coded("404", "Resource not found")};
      case Trouble::rate_limited:
        return {429, rate_limited(problem)};
      case Trouble::prompt_refused:
        return {
            400,
            R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's )"
            R"(content management policy.","type":null,"param":"prompt","code":"content_filter",)"
            R"("status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})"};
      default:
        break;
    }
    const OpenAiError error = openai_error(problem);
    return {error.status, "{\"error\":{" + error_members(error) + "}}"};
  }

  void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const override {
    append_openai_limits(out, quota, ResetFormat::whole_seconds, now.since_start, refusal);
  }

  void append_retry_after(std::string& out, Moment wait) const override {
    Dialect::append_retry_after(out, wait);
    append_retry_after_ms(out, wait);
  }
};

}  // namespace

const Dialect& azure_dialect() {
  static const Azure dialect;
  return dialect;
}

}  // namespace batchrun::mock

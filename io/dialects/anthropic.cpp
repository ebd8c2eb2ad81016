#include "io/dialects/anthropic.h"

#include "io/dialects/anthropic_decode.h"
#include "io/dialects/anthropic_encode.h"
#include "io/dialects/anthropic_errors.h"
#include "io/dialects/anthropic_limits.h"

namespace batchrun {

namespace {

// Of reasoning_effort, "minimal" has no word there; "none" is thinking disabled. There are no n, seed,
// penalties, logit_bias, logprobs and no JSON without a schema; a system message has its place before the
// conversation; service tiers have other meanings; "each
// stop sequence must contain non-whitespace".
constexpr FeatureSet everything(Feature::image_url, Feature::image_data, Feature::tools,
                                Feature::strict_tools, Feature::tool_choice, Feature::serial_tool_calls,
                                Feature::json_schema, Feature::stop, Feature::stop_over_4,
                                Feature::stop_over_5, Feature::temperature, Feature::top_p, Feature::top_k,
                                Feature::reasoning_effort, Feature::reasoning_off,
                                Feature::reasoning_over_high, Feature::user);

// "Extra inputs are not permitted" since version 2026-10-21, even for the defaults.
constexpr FeatureSet sampling(Feature::temperature, Feature::top_p, Feature::top_k);

class AnthropicDialect final : public Dialect {
 public:
  bool serves(Api api, const Endpoint&) const override {
    return api == Api::chat || api == Api::anthropic_messages;
  }

  FeatureSet honours(const Endpoint& endpoint) const override {
    return anthropic_takes_sampling(endpoint) ? everything : everything.without(sampling);
  }

  bool streams(Api api) const override { return api == Api::chat; }

  Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return encode_anthropic(row, model, stream, endpoint, credential);
  }

  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return encode_anthropic_probe(endpoint, credential);
  }

  std::optional<Fault> decode_event(Api, std::string_view event_name, std::string_view data,
                                    AnswerDraft& draft) const override {
    return decode_anthropic_event(event_name, data, draft);
  }

  std::optional<Fault> decode_body(Api api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    return decode_anthropic_body(api, head, body, answer);
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return anthropic_fault(head, body);
  }

  ServerLimits limits(const ResponseHead& head) const override { return anthropic_limits(head); }

  std::string_view request_id(const ResponseHead& head) const override { return head.field("request-id"); }
};

}  // namespace

std::unique_ptr<Dialect> make_anthropic_dialect() {
  return std::make_unique<AnthropicDialect>();
}

}  // namespace batchrun

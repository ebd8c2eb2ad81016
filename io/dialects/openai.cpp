#include "io/dialects/openai.h"

#include "io/dialects/openai_decode.h"
#include "io/dialects/openai_embeddings.h"
#include "io/dialects/openai_encode.h"
#include "io/dialects/openai_errors.h"
#include "io/dialects/openai_limits.h"
#include "io/dialects/openai_responses.h"

namespace batchrun {

namespace {

// What Ollama's compatible side does not read (ChatCompletionRequest in its openai/openai.go), and images it
// would have to fetch.
constexpr FeatureSet passed_over_by_ollama(Feature::image_url, Feature::image_detail, Feature::audio,
                                           Feature::file, Feature::strict_tools, Feature::tool_choice,
                                           Feature::serial_tool_calls, Feature::functions, Feature::choices,
                                           Feature::top_k, Feature::min_p, Feature::repetition_penalty,
                                           Feature::logit_bias, Feature::service_tier, Feature::prediction,
                                           Feature::web_search, Feature::verbosity, Feature::user,
                                           Feature::metadata, Feature::store, Feature::prompt_cache);

// "Will result in a 400 error if they are supplied" (console.groq.com/docs/openai).
constexpr FeatureSet refused_by_groq(Feature::choices, Feature::logprobs, Feature::logit_bias,
                                     Feature::message_name);

// It checks them and never applies them (probes by its staff, github.com/pydantic/pydantic-ai/pull/7653,
// August 2026; older pages of others have it refuse penalties too, which it honours).
constexpr FeatureSet passed_over_by_cerebras(Feature::logit_bias);

class OpenAiDialect final : public Dialect {
 public:
  explicit OpenAiDialect(OpenAiFlavour flavour) : flavour_(flavour) {}

  bool serves(Api api, const Endpoint& endpoint) const override {
    switch (flavour_) {
      case OpenAiFlavour::openai:
      case OpenAiFlavour::ollama:
        return api == Api::chat || api == Api::responses || api == Api::embeddings;
      case OpenAiFlavour::groq:  // has no model that embeds
        return api == Api::chat || api == Api::responses;
      case OpenAiFlavour::azure:  // has no responses under a deployment
        return api == Api::chat || api == Api::embeddings ||
               (api == Api::responses && !has_deployment_paths(flavour_, endpoint));
      case OpenAiFlavour::cerebras:
        break;
    }
    return api == Api::chat;
  }

  // Compatible servers take what they do not know as it comes, or say that they cannot.
  FeatureSet honours(const Endpoint&) const override {
    switch (flavour_) {
      case OpenAiFlavour::groq:
        return FeatureSet::all().without(refused_by_groq);
      case OpenAiFlavour::ollama:
        return FeatureSet::all().without(passed_over_by_ollama);
      case OpenAiFlavour::cerebras:
        return FeatureSet::all().without(passed_over_by_cerebras);
      case OpenAiFlavour::openai:
      case OpenAiFlavour::azure:
        break;
    }
    return FeatureSet::all();
  }

  bool streams(Api api) const override { return api == Api::chat || api == Api::responses; }

  Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return encode_openai(flavour_, row, model, stream, endpoint, credential);
  }

  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return encode_openai_probe(flavour_, endpoint, credential);
  }

  std::optional<Fault> decode_event(Api api, std::string_view event_name, std::string_view data,
                                    AnswerDraft& draft) const override {
    if (api == Api::responses) return decode_responses_event(flavour_, event_name, data, draft);
    return decode_openai_event(flavour_, event_name, data, draft);
  }

  std::optional<Fault> decode_body(Api api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    if (api == Api::responses) return decode_responses_body(flavour_, head, body, answer);
    if (api == Api::embeddings) return decode_embeddings_body(flavour_, head, body, answer);
    return decode_openai_body(flavour_, head, body, answer);
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return openai_fault(flavour_, head, body);
  }

  ServerLimits limits(const ResponseHead& head) const override { return openai_limits(flavour_, head); }

  std::string_view request_id(const ResponseHead& head) const override {
    const std::string_view id = head.field("x-request-id");
    return id.empty() ? head.field("x-generation-id") : id;  // the latter: OpenRouter
  }

 private:
  OpenAiFlavour flavour_;
};

}  // namespace

std::unique_ptr<Dialect> make_openai_dialect(OpenAiFlavour flavour) {
  return std::make_unique<OpenAiDialect>(flavour);
}

}  // namespace batchrun

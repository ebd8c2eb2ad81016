#include "io/dialects/ollama.h"

#include "io/dialects/ollama_decode.h"
#include "io/dialects/ollama_encode.h"
#include "io/dialects/ollama_errors.h"

namespace batchrun {

namespace {

// Images come as data only. The model alone decides on tools: there is no tool_choice and no serial calls. Of
// reasoning_effort, "minimal" and "xhigh" have no word there. Log probabilities are not translated.
constexpr FeatureSet everything(Feature::image_data, Feature::late_system, Feature::tools,
                                Feature::json_object, Feature::json_schema, Feature::stop,
                                Feature::stop_over_4, Feature::stop_over_5, Feature::stop_blank,
                                Feature::seed, Feature::temperature, Feature::temperature_over_1,
                                Feature::top_p, Feature::top_k, Feature::min_p, Feature::frequency_penalty,
                                Feature::presence_penalty, Feature::repetition_penalty,
                                Feature::reasoning_effort, Feature::reasoning_off);

class OllamaDialect final : public Dialect {
 public:
  bool serves(Api api, const Endpoint&) const override { return api == Api::chat || api == Api::ollama_chat; }

  FeatureSet honours(const Endpoint&) const override { return everything; }

  bool streams(Api api) const override { return api == Api::chat; }

  Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return encode_ollama(row, model, stream, endpoint, credential);
  }

  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return encode_ollama_probe(endpoint, credential);
  }

  std::optional<Fault> decode_event(Api, std::string_view, std::string_view data,
                                    AnswerDraft& draft) const override {
    return decode_ollama_line(data, draft);
  }

  std::optional<Fault> decode_body(Api api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    return decode_ollama_body(api, head, body, answer);
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return ollama_fault(head, body);
  }

  // It states none.
  ServerLimits limits(const ResponseHead&) const override { return {}; }

  std::string_view request_id(const ResponseHead& head) const override { return head.field("x-request-id"); }
};

}  // namespace

std::unique_ptr<Dialect> make_ollama_dialect() {
  return std::make_unique<OllamaDialect>();
}

}  // namespace batchrun

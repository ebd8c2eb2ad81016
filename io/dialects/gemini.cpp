#include "io/dialects/gemini.h"

#include "io/dialects/gemini_decode.h"
#include "io/dialects/gemini_encode.h"
#include "io/dialects/gemini_errors.h"

namespace batchrun {
namespace {

class GeminiDialect final : public Dialect {
 public:
  bool serves(Api api, const Endpoint&) const override {
    return api == Api::chat || api == Api::gemini_generate;
  }
  FeatureSet honours(const Endpoint&) const override { return gemini_honours(); }
  bool streams(Api api) const override { return api == Api::chat; }

  Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return encode_gemini(row, model, stream, endpoint, credential);
  }
  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return encode_gemini_probe(endpoint, credential);
  }

  std::optional<Fault> decode_event(Api, std::string_view, std::string_view data,
                                    AnswerDraft& draft) const override {
    return decode_gemini_event(data, draft);
  }
  std::optional<Fault> decode_body(Api api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    return decode_gemini_body(api, head, body, answer);
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return gemini_fault(&head, body);
  }
  ServerLimits limits(const ResponseHead&) const override { return {}; }          // no field says any
  std::string_view request_id(const ResponseHead&) const override { return {}; }  // only the body has one
};

}  // namespace

std::unique_ptr<Dialect> make_gemini_dialect() {
  return std::make_unique<GeminiDialect>();
}

}  // namespace batchrun

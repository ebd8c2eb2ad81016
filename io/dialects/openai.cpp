#include "io/dialect.h"
#include "io/dialects/openai_decode.h"
#include "io/dialects/openai_encode.h"
#include "io/dialects/openai_errors.h"
#include "io/dialects/openai_limits.h"

namespace batchrun {

namespace {

class OpenAiDialect final : public Dialect {
 public:
  explicit OpenAiDialect(OpenAiFlavour flavour) : flavour_(flavour) {}

  Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return encode_openai(flavour_, row, model, stream, endpoint, credential);
  }

  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return encode_openai_probe(endpoint, credential);
  }

  std::optional<Fault> decode_event(std::string_view event_name, std::string_view data,
                                    AnswerDraft& draft) const override {
    return decode_openai_event(flavour_, event_name, data, draft);
  }

  std::optional<Fault> decode_body(const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
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

// How a provider speaks: rows to requests, replies to values. Pure: text in, values out; no state, so any
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/answer.h"
#include "io/credential.h"
#include "io/http_message.h"
#include "io/row.h"
#include "pool/outcome.h"

namespace batchrun {

// One provider's address: origin and the path its base_url ends in ("/v1", "/openai/v1").
struct Endpoint {
  Origin origin;
  std::string base_path;              // no trailing slash
  std::string organization, project;  // OpenAI-Organization, OpenAI-Project; "" = not sent
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // The whole request for a row. `model` replaces whatever model the row names; `stream` whatever it says of
  // streaming.
  virtual Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                         const Credential& credential) const = 0;

  // The cheapest request that proves the credential: it spends no tokens, and a 2xx reply means that the key
  // is good.
  virtual Request encode_probe(const Endpoint& endpoint, const Credential& credential) const = 0;

  // One server-sent event of a streamed reply into `draft`. A fault: the event says the attempt failed, or is
  // not what this provider's events look like. Unknown fields and events are tolerated.
  virtual std::optional<Fault> decode_event(std::string_view event_name, std::string_view data,
                                            AnswerDraft& draft) const = 0;

  // A whole 2xx reply into `answer`. A fault: it is no answer (HTML, an error object, truncated JSON, ...).
  virtual std::optional<Fault> decode_body(const ResponseHead& head, std::string_view body,
                                           Answer& answer) const = 0;

  // Why a reply that is not 2xx failed. `body` may be anything: HTML, empty, cut short.
  virtual Fault classify(const ResponseHead& head, std::string_view body) const = 0;

  // The limits the reply's header fields state.
  virtual ServerLimits limits(const ResponseHead& head) const = 0;

  // The provider's id of the request, for support; "" when there is none.
  virtual std::string_view request_id(const ResponseHead& head) const = 0;
};

// The OpenAI wire format, with the differences of its kin. Source: the API references of the three.
enum class OpenAiFlavour : std::uint8_t { openai, groq, cerebras };
std::unique_ptr<Dialect> make_openai_dialect(OpenAiFlavour flavour);

}  // namespace batchrun

// How a provider speaks: rows to requests, replies to values. Pure: text in, values out; no state, so any
// thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/answer.h"
#include "io/api.h"
#include "io/chat_features.h"
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
  std::string api_version;  // Azure's api-version, Anthropic's anthropic-version; "" = the dialect's own
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // Whether rows written for `api` can be answered here.
  virtual bool serves(Api api, const Endpoint& endpoint) const = 0;
  // Of chat and search rows: what can be said in this provider's words, so that it is honoured. A row that
  // needs more goes elsewhere.
  virtual FeatureSet honours(const Endpoint& endpoint) const = 0;
  // Whether an answer to `api` can be streamed. Where it cannot, encode() is never asked to.
  virtual bool streams(Api api) const = 0;

  // The whole request for a row. `model` replaces whatever model the row names; `stream` whatever it says of
  // streaming. REQUIRES: serves(row.api, endpoint), and honours() has all of row.needs.
  virtual Request encode(const Row& row, std::string_view model, bool stream, const Endpoint& endpoint,
                         const Credential& credential) const = 0;

  // The cheapest request that proves the credential; it spends nothing.
  virtual Request encode_probe(const Endpoint& endpoint, const Credential& credential) const = 0;
  // What the reply to it says: nothing if the key is good.
  virtual std::optional<Fault> judge_probe(const ResponseHead& head, std::string_view body) const;

  // One event of a streamed reply to a row for `api`, into `draft`: a server-sent event, or a line of NDJSON
  // (without a name). A fault: the event says the attempt failed, or is not what this provider's events look
  // like. Unknown fields and events are tolerated.
  virtual std::optional<Fault> decode_event(Api api, std::string_view event_name, std::string_view data,
                                            AnswerDraft& draft) const = 0;

  // A whole 2xx reply into `answer`. A fault: it is no answer (HTML, an error object, truncated JSON, ...).
  virtual std::optional<Fault> decode_body(Api api, const ResponseHead& head, std::string_view body,
                                           Answer& answer) const = 0;

  // Why a reply that is not 2xx failed. `body` may be anything: HTML, empty, cut short.
  virtual Fault classify(const ResponseHead& head, std::string_view body) const = 0;

  // The limits the reply's header fields state.
  virtual ServerLimits limits(const ResponseHead& head) const = 0;

  // The provider's id of the request, for support; "" when there is none.
  virtual std::string_view request_id(const ResponseHead& head) const = 0;
};

// Which provider's words. The OpenAI-compatible ones differ in little: see io/dialects/openai_*.h.
enum class DialectKind : std::uint8_t {
  openai,  // and any compatible server: OpenRouter, vLLM, ...
  groq,
  cerebras,
  azure,      // deployments in the path, api-key
  ollama_v1,  // Ollama's OpenAI-compatible side
  anthropic,
  gemini,
  ollama,
  serpapi,
  serper,
};
std::string_view name(DialectKind kind);
std::optional<DialectKind> dialect_named(std::string_view name);
std::span<const std::string_view> dialect_names();  // by kind

std::unique_ptr<Dialect> make_dialect(DialectKind kind);

}  // namespace batchrun

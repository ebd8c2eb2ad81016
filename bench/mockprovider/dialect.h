// How providers speak. A Dialect is one provider's voice: its errors, header fields and limits. An Endpoint
// is one path's shape: how its request is read and its answer written. Both are stateless and live for ever;
// dialects/ holds them, one file for each provider or shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/mockprovider/call.h"
#include "bench/mockprovider/completion.h"
#include "bench/mockprovider/flavour.h"
#include "bench/mockprovider/http_request.h"
#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/problem.h"
#include "bench/mockprovider/quota.h"
#include "bench/mockprovider/stream_events.h"

namespace batchrun::mock {

class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual ErrorReply error(const Problem& problem) const = 0;
  // An error after the answer has begun. Unless overridden: the error's body as one more event.
  virtual void append_stream_error(StreamEvents& events, const Problem& problem) const;

  // Header fields, each with its CRLF. `id`: 22 characters that make the ids of this reply; `organisation`:
  // "" unknown.
  virtual void append_reply_fields(std::string& out, std::string_view id,
                                   std::string_view organisation) const;
  // The limits that are set, what remains of them and when they reset. `refusal`: what this reply refuses, or
  // null; one that can never fit shows an untouched budget. Unless overridden: nothing.
  virtual void append_limit_fields(std::string& out, Quota& quota, Now now, const Refusal* refusal) const;
  // Limits that cannot be: more remaining than the limit, negative numbers, words.
  virtual void append_absurd_limit_fields(std::string& out) const;
  virtual void append_retry_after(std::string& out, Moment wait) const;
  virtual bool delay_is_in_body() const { return false; }  // instead of retry-after

  virtual std::string model_list(const std::vector<std::string>& names) const;
  virtual std::string model(std::string_view name) const;

  virtual std::string_view keep_alive() const { return ": keep-alive\n\n"; }
};

// That of /v1 for Ollama; its native one is told by the path (dialects/routes.h).
const Dialect& dialect_of(Flavour flavour);

// The parts of a reply that are the same for all its chunks.
struct ReplyFrame {
  Flavour flavour = Flavour::openai;
  std::string_view id{};     // 22 characters that make the ids of this reply
  std::string_view model{};  // as the request names it
  std::int64_t created = 0;
  bool usage = true;        // false: no usage anywhere
  bool no_results = false;  // of a search
};

struct Answer {
  const Call& call;
  const Completion& completion;
  const ReplyFrame& frame;
};

// What a request is read for.
struct Target {
  Flavour flavour = Flavour::openai;
  std::string_view model{};  // as the path names it; "" = the body does
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // Reads a request into `out`, which is clear. A problem: what is wrong with it.
  virtual std::optional<Problem> read(const HttpRequest& request, const Target& target, Call& out) const = 0;
  virtual void append_plain(std::string& out, const Answer& answer) const = 0;

  // The member of a plain reply that holds what was generated or found.
  virtual std::string_view plain_member() const { return "choices"; }

  // REQUIRES for these: a call that asks for a stream.
  virtual StreamForm form(const Call& call) const;
  // Fills all of `out`, which is empty, but its form.
  virtual void make_events(StreamEvents& out, const Answer& answer, std::uint32_t chunks) const;
  virtual void append_stream_error(StreamEvents& events, const Dialect& dialect,
                                   const Problem& problem) const;
};

const Endpoint& openai_chat();
const Endpoint& openai_responses();
const Endpoint& openai_embeddings();
const Endpoint& anthropic_messages();
const Endpoint& gemini_content();  // generateContent and streamGenerateContent
const Endpoint& ollama_chat();
const Endpoint& serpapi_search();
const Endpoint& serper_search();

}  // namespace batchrun::mock

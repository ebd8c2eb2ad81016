// Tries each key in use once: which are good, before a run finds out. No Asio to be seen.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pool/outcome.h"
#include "runner/settings.h"

namespace boost::asio {
class io_context;
}

namespace batchrun {

class Clock;
class Transport;

enum class Verdict : std::uint8_t {
  ok,            // the provider took the key
  rate_limited,  // 429: known there, but busy now
  unclear,       // an answer that says nothing of the key: a server fault, no list of models, HTML
  unauthorized,  // 401: not a key, or no longer one
  forbidden,     // 403: a key that may not do this, or not from here
  no_quota,      // no money or quota is left
  unreachable,   // no answer: resolve, connect, TLS, time
};

// "rate limited".
std::string_view name(Verdict verdict);
// A run may still get answers over this key.
bool usable(Verdict verdict);

struct KeyCheck {
  Verdict verdict = Verdict::unreachable;
  int status = 0;            // HTTP status, 0 when there was none
  std::string message;       // why it is not ok; inert, without the key
  Duration latency{};        // from the start to the reply's end or the fault
  ServerLimits limits;       // what the reply's header fields state
  std::string organization;  // openai-organization; "" when absent
};

// One thread, that of the io_context.
class KeyChecker {
 public:
  static constexpr std::size_t at_once = 16;

  // All of these outlive the checker; it outlives the run of the context.
  KeyChecker(const Settings& settings, boost::asio::io_context& context, Clock& clock, Transport& transport);
  ~KeyChecker();

  // Asks with every key of settings.keys, 10 s each at most; context.run() returns when all are known.
  void start();
  // results()[i] is of settings.keys[i]. REQUIRES: the context has run.
  const std::vector<KeyCheck>& results() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same over the real network, on this thread.
std::vector<KeyCheck> check_keys(const Settings& settings);

}  // namespace batchrun

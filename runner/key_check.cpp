#include "runner/key_check.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>

#include "io/ascii.h"
#include "io/http_transport.h"
#include "runner/clock.h"
#include "runner/inert.h"

namespace batchrun {
namespace {

constexpr Duration patience = std::chrono::seconds(10);
constexpr std::size_t most_body = 64u << 10;  // what it says comes first
constexpr std::size_t longest_message = 300;

// The head of the reply, and as much of its body as says something.
class ProbeSink final : public ResponseSink {
 public:
  Flow on_head(ResponseHead reply) override {
    head = std::move(reply);
    return Flow::awaiting;
  }
  Flow on_body(std::string_view octets) override {
    body += octets.substr(0, most_body - body.size());
    return body.size() == most_body ? Flow::done : Flow::awaiting;
  }

  bool good_status() const { return head.status >= 200 && head.status < 300; }
  // A captive portal says 200 too.
  bool is_json() const { return ascii::starts_with(head.field("content-type"), "application/json"); }

  ResponseHead head;
  std::string body;
};

Verdict verdict_of(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::rate_limited:
    case FaultKind::exceeds_window:
      return Verdict::rate_limited;
    case FaultKind::unauthorized:
      return fault.status == 403 ? Verdict::forbidden : Verdict::unauthorized;
    case FaultKind::quota_exhausted:
      return Verdict::no_quota;
    case FaultKind::connect:
    case FaultKind::tls:
    case FaultKind::timeout_connect:
    case FaultKind::timeout_first_chunk:
    case FaultKind::timeout_idle:
    case FaultKind::truncated_reply:
    case FaultKind::cancelled:
      return Verdict::unreachable;
    case FaultKind::overloaded:
    case FaultKind::server_error:
    case FaultKind::model_unavailable:
    case FaultKind::bad_request:
    case FaultKind::content_refused:
    case FaultKind::model_stumbled:
    case FaultKind::malformed_reply:
    case FaultKind::too_large:
      return Verdict::unclear;
  }
  std::abort();
}

KeyCheck judge(const ProbeSink& reply, const Ending& ending, const Dialect& dialect,
               const Credential& credential) {
  KeyCheck check;
  check.status = reply.head.status;
  const auto fail = [&](const Fault& fault) {
    check.verdict = verdict_of(fault);
    check.message = inert(credential.redact(fault.message), longest_message);
  };
  if (ending.fault) {
    fail(*ending.fault);
  } else if (reply.good_status() && !reply.is_json()) {
    check.verdict = Verdict::unclear;
    check.message = "the reply is no list of models: is the base_url right?";
  } else if (const std::optional<Fault> fault = dialect.judge_probe(reply.head, reply.body)) {
    fail(*fault);
  } else {
    check.verdict = Verdict::ok;
  }
  check.limits = dialect.limits(reply.head);
  check.organization = inert(credential.redact(reply.head.field("openai-organization")), 64);
  return check;
}

}  // namespace

struct KeyChecker::State {
  const Settings& settings;
  net::io_context& context;
  Clock& clock;
  Transport& transport;
  std::vector<KeyCheck> results;
  std::size_t next = 0, workers = 0;

  Task<void> work();
  void spawn();
};

Task<void> KeyChecker::State::work() {
  Deadlines deadlines;
  deadlines.connect = deadlines.tls = deadlines.first_chunk = deadlines.idle = deadlines.total = patience;
  while (next < settings.keys.size()) {
    const std::size_t number = next++;
    const Key& key = settings.keys[number];
    const Provider& provider = settings.providers[key.provider];
    const TimePoint started_at = clock.now();
    const Request request = provider.dialect->encode_probe(provider.endpoint, key.credential);
    ProbeSink reply;
    Ending ending = co_await transport.perform(request, reply, deadlines);
    results[number] = judge(reply, ending, *provider.dialect, key.credential);
    results[number].latency = clock.now() - started_at;
  }
}

void KeyChecker::State::spawn() {
  ++workers;
  net::co_spawn(context, work(), [this](const std::exception_ptr& broken) {
    if (broken) std::rethrow_exception(broken);
    if (--workers == 0) context.stop();  // the transport's own timers are nothing to wait for
  });
}

KeyChecker::KeyChecker(const Settings& settings, net::io_context& context, Clock& clock, Transport& transport)
    : state_(std::make_unique<State>(State{settings, context, clock, transport, {}, 0, 0})) {
  state_->results.resize(settings.keys.size());
}

KeyChecker::~KeyChecker() = default;

void KeyChecker::start() {
  for (std::size_t i = 0; i < std::min(at_once, state_->results.size()); ++i) state_->spawn();
}

const std::vector<KeyCheck>& KeyChecker::results() const {
  return state_->results;
}

std::vector<KeyCheck> check_keys(const Settings& settings) {
  signal(SIGPIPE, SIG_IGN);  // a server that hangs up must not end the program
  net::io_context context{1};
  SteadyClock clock;
  const std::unique_ptr<Transport> transport = make_http_transport(context);
  KeyChecker checker(settings, context, clock, *transport);
  checker.start();
  context.run();
  return checker.results();
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::rate_limited:
      return "rate limited";
    case Verdict::unclear:
      return "unclear";
    case Verdict::unauthorized:
      return "unauthorized";
    case Verdict::forbidden:
      return "forbidden";
    case Verdict::no_quota:
      return "no quota left";
    case Verdict::unreachable:
      return "unreachable";
  }
  std::abort();
}

bool usable(Verdict verdict) {
  return verdict == Verdict::ok || verdict == Verdict::rate_limited || verdict == Verdict::unclear;
}

}  // namespace batchrun

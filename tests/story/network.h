// The providers of a story and the way to them, in virtual time. It keeps the account that the story is
// judged by: who asked what, what became of it, and when.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/mockprovider/provider.h"
#include "io/transport.h"
#include "tests/story/plan.h"
#include "tests/support/manual_clock.h"

namespace batchrun::story {

// One request and what became of it.
struct Sent {
  std::size_t life = 0, provider = 0;
  std::string row;  // its id
  TimePoint at{}, ended_at{};
  int status = 0;         // of the reply, as the provider gave it; 0: it was not reached
  bool answered = false;  // a good answer went out to the last octet
  bool aborted = false;   // by the client, whose process was ended
};

class Network {
 public:
  Network(const Plan& plan, ManualClock& clock);

  // Goes on with outages that begin or end by now. When the next one does; never after the last.
  TimePoint let_outages_happen();

  const std::vector<Sent>& account() const { return account_; }
  mock::Counters counters(std::size_t provider) const;

 private:
  friend class StoryTransport;
  struct Wire;  // an exchange in progress
  struct Provider {
    explicit Provider(const ProviderPlan& p) : plan(p), mock(p.scenario) {}
    const ProviderPlan& plan;
    mock::Provider mock;
    const Outage* outage = nullptr;
  };

  Duration now() const { return clock_.now() - start_; }
  mock::Now mock_now() const;
  std::size_t provider_of(const Request& request) const;
  double dice() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  Duration some_time(Duration most) { return std::chrono::duration_cast<Duration>(most * dice()); }

  const Plan& plan_;
  ManualClock& clock_;
  const TimePoint start_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Provider>> providers_;
  std::vector<Wire*> wires_;  // open ones
  std::vector<Sent> account_;
};

// What one process knows of the network. Ends with abort(), or once all it performed has ended.
class StoryTransport final : public Transport {
 public:
  StoryTransport(Network& network, net::io_context& context, std::size_t life)
      : network_(network), context_(context), life_(life) {}

  Task<Ending> perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) override;
  void abort() override;

 private:
  class Talk;
  Task<std::optional<Fault>> connect(Network::Wire& wire, Duration patience);

  Network& network_;
  net::io_context& context_;
  const std::size_t life_;
  bool aborted_ = false;
};

}  // namespace batchrun::story

// The simulated provider as a server on loopback, in a thread of its own. For tests, benchmarks and demos.
//
//   MockProvider provider(parse_scenario(R"({"keys": [{"key": "sk-1", "organisation": "org-a"}]})"));
//   provider.start();
//   ... provider.url() + "/v1" ... provider.counters().total.admitted ...
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bench/mockprovider/counters.h"
#include "bench/mockprovider/executions.h"
#include "bench/mockprovider/scenario.h"

namespace batchrun::mock {

// Methods may be called from any one thread at a time.
class MockProvider {
 public:
  // Binds 127.0.0.1:`port` (0: one that is free). Throws std::system_error when it cannot, std::runtime_error
  // when TLS cannot be set up. Clients that connect before start() wait.
  explicit MockProvider(const Scenario& scenario, std::uint16_t port = 0);
  ~MockProvider();  // stops
  MockProvider(const MockProvider&) = delete;
  MockProvider& operator=(const MockProvider&) = delete;

  // Serves until stop(). Limits, counters and faults live on over a stop and a new start, and so does the
  // port; between the two, connections are refused. Both do nothing when it is already so.
  void start();
  void stop();

  std::uint16_t port() const;
  std::string url() const;                     // "http://127.0.0.1:PORT", or https
  const std::string& certificate_pem() const;  // to be trusted by clients; empty without TLS

  Counters counters() const;
  Execution execution(std::string_view marker) const;  // of prompts that hold "[[marker]]"
  // As GET /mock/executions?min=... answers.
  std::string executions_json(std::uint32_t least) const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace batchrun::mock

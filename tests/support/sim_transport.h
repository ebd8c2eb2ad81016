// A network made of replies somebody writes down, on a manual clock.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "io/transport.h"
#include "tests/support/manual_clock.h"

namespace batchrun {

// What the simulated server does with one request.
struct SimReply {
  Duration delay{};
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields{{"content-type", "application/json"}};
  std::vector<std::string> chunks;  // of the body, in order
  std::optional<Fault> fault;       // the wire breaks after the chunks; before the head if status is 0
};

class SimTransport final : public Transport {
 public:
  using Server = std::function<SimReply(const Request&, TimePoint now)>;
  SimTransport(ManualClock& clock, net::io_context& context, Server server)
      : clock_(clock), context_(context), server_(std::move(server)) {}

  Task<Ending> perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) override {
    last_deadlines = deadlines;
    const TimePoint sent_at = clock_.now();
    SimReply reply = server_(request, sent_at);
    const std::unique_ptr<Alarm> alarm = clock_.make_alarm(context_);
    co_await alarm->wait_until(sent_at + reply.delay);
    Ending ending;
    ending.request_sent = true;
    if (reply.status != 0) feed(reply, sink, ending, clock_.now() - sent_at);
    ending.fault = std::move(reply.fault);
    co_return ending;
  }
  void abort() override {}

  Deadlines last_deadlines;

 private:
  static void feed(const SimReply& reply, ResponseSink& sink, Ending& ending, Duration elapsed) {
    ResponseHead head;
    head.status = reply.status;
    for (const auto& [name, value] : reply.fields) head.add(name, value);
    Flow flow = sink.on_head(head);
    for (const std::string& chunk : reply.chunks) {
      if (flow == Flow::done || flow == Flow::stop) break;
      flow = sink.on_body(chunk);
      if (flow != Flow::awaiting && ending.first_chunk == Duration::zero()) ending.first_chunk = elapsed;
    }
  }

  ManualClock& clock_;
  net::io_context& context_;
  Server server_;
};

}  // namespace batchrun

// The network seam: one request out, one reply streamed into a sink. Real in http_transport,
// simulated in tests/support. Never throws for what the network does; that is an Ending.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "io/http_message.h"
#include "io/transport_ending.h"
#include "pool/outcome.h"

namespace batchrun {

namespace net = boost::asio;
template <class T>
using Task = net::awaitable<T, net::io_context::executor_type>;

// Limits of one attempt, each from the start of its phase.
struct Deadlines {
  Duration connect = std::chrono::seconds(10);
  Duration tls = std::chrono::seconds(10);
  Duration first_chunk = std::chrono::seconds(60);  // from the last byte sent to Flow::committed
  Duration idle = std::chrono::seconds(60);         // between reads once committed
  Duration trailing = std::chrono::seconds(5);      // from Flow::finished to the end
  Duration total = std::chrono::seconds(600);       // from the start of the attempt
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Sends `request` and feeds the reply to `sink`. Both must outlive the returned task.
  virtual Task<Ending> perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) = 0;
  // Ends every exchange in progress with FaultKind::cancelled, and closes idle connections.
  virtual void abort() = 0;
};

}  // namespace batchrun

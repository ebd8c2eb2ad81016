// The real network: HTTP/1.1 over TCP or TLS, keep-alive, one exchange per connection at a time, never
// pipelined.
//
// Built for many slow answers and for many fast ones alike: one read buffer and one deadline sweep for all
// connections, no timer and no buffer of its own for a connection that waits. Redirects are handed to the
// sink like any reply, never followed. Runs on the io_context's one thread.
#pragma once

#include <memory>

#include "io/transport.h"

namespace batchrun {

std::unique_ptr<Transport> make_http_transport(net::io_context& context);

}  // namespace batchrun

// How an exchange ended as far as the wire is concerned. Apart from transport.h so that parsers need no Asio.
#pragma once

#include <optional>

#include "pool/outcome.h"

namespace batchrun {

struct Ending {
  std::optional<Fault> fault;  // none: the message was complete, or the sink said done or stop,
                               //   or finished and nothing more came
  bool request_sent = false;   // false: not one byte of the request left, so the provider never saw it
  Duration first_chunk{};      // from the last byte sent to the first Flow::committed or done; zero: never
};

}  // namespace batchrun

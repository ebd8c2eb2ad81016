// A reply as the bytes of HTTP/1.1 and the way they go out: pauses, slices, and what follows the last byte.
// Pure; the server only plays it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/mockprovider/distribution.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/reply_draft.h"

namespace batchrun::mock {

struct WireReply {
  enum class After : std::uint8_t {
    keep_open,  // the next request may come
    close,      // FIN
    linger,     // FIN, then reads on until the client leaves
    reset,      // RST: what the client has not read yet is lost to it
    hold,       // silence until the client leaves
  };
  struct Pause {
    std::size_t at;  // before this byte goes out
    Moment wait;
  };

  std::string bytes;
  std::vector<Pause> pauses;  // ascending
  After after = After::keep_open;
  std::size_t slice = 0;       // > 0: every write has this many bytes at most,
  std::size_t slice_from = 0;  //   from this byte on,
  Moment slice_interval{};     //   with this much time between

  void clear();
};

// How fast an answer is given. `random` may be drawn from; a plain answer takes as long as its stream would.
struct Pace {
  const Distribution* first_chunk = nullptr;
  const Distribution* between_chunks = nullptr;
  Random* random = nullptr;
  std::size_t chunks = 1;  // a plain answer's, had it been streamed
};

// Writes the reply to `out`. `fault` may be null or of any stage; only framing, pace and what keeps open
// matter here. `pace` null: at once. `keep_alive`: what the client asked for.
void write_reply(WireReply& out, const ReplyDraft& draft, const FaultRule* fault, const Pace* pace,
                 bool keep_alive);

}  // namespace batchrun::mock

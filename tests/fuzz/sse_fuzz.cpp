// Server-sent events cut anywhere: the same ones as the simplest reader finds. Input: length of the pieces;
// then the stream.
#include <algorithm>
#include <cstdint>

#include "io/sse_decoder.h"
#include "tests/fuzz/must.h"
#include "tests/support/sse_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 32 + 1u;
  SseEvents events;
  SseDecoder decoder(1u << 20);
  const auto drain = [&] {
    while (const auto event = decoder.next()) events.emplace_back(event->name, event->data);
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string octets = text.substr(at, piece);  // gone at the next, so that reading past it is seen
    decoder.feed(octets);
    drain();
  }
  decoder.end();
  decoder.feed({});
  drain();
  must(!decoder.overflowed());
  must(events == sse_oracle(text));

  // With a low cap: no event is larger, and those before the overflow are the same.
  constexpr std::size_t cap = 64;
  SseDecoder capped(cap);
  capped.feed(text);
  std::size_t count = 0;
  while (const auto event = capped.next()) {
    must(event->data.size() <= cap && count < events.size());
    must(event->data == events[count++].second);
  }
  return 0;
}

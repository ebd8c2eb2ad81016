// Replies of every kind through the validator: whole, and cut where the input says. Both must come to the
// same. Input: dialect, interface, content type, length of the pieces; then the body.
#include <cstdint>

#include "io/json_tokens.h"
#include "io/stream_validator.h"
#include "tests/fuzz/dialects.h"

namespace batchrun {
namespace {

struct Case {
  const Dialect* dialect;
  Api api;
  const char* content_type;
  bool streamed;
};

Reply play(const Case& c, std::string_view body, std::size_t piece) {
  ReplyCaps caps;
  caps.event_bytes = 4096;
  caps.body_bytes = 1u << 20;
  StreamValidator validator(*c.dialect, c.api, c.streamed, caps);
  ResponseHead head;
  head.status = 200;
  if (*c.content_type != '\0') head.add("content-type", c.content_type);
  Flow flow = validator.on_head(head);
  for (std::size_t at = 0; at < body.size() && flow != Flow::done && flow != Flow::stop; at += piece) {
    const std::string octets(body.substr(at, piece));  // a copy of its own, so that reading past it is seen
    flow = validator.on_body(octets);
  }
  return validator.conclude(Ending());
}

}  // namespace
}  // namespace batchrun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  if (size < 4) return 0;
  static constexpr const char* types[] = {"text/event-stream", "application/x-ndjson", "application/json",
                                          ""};
  const auto& dialects = all_dialects();
  const Case c{dialects[data[0] % dialects.size()].get(), static_cast<Api>(data[1] % 7), types[data[2] % 4],
               data[2] % 8 < 4};
  if (!c.dialect->serves(c.api, {})) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 4, size - 4);
  const Reply whole = play(c, body, body.size() + 1);
  const Reply cut = play(c, body, data[3] % 16 + 1u);
  must(whole.fault.has_value() == cut.fault.has_value());
  if (whole.fault) {
    must(whole.fault->kind == cut.fault->kind);
    must(whole.fault->message.size() <= 512);
    return 0;
  }
  must(whole.answer.body == cut.answer.body);
  must(whole.answer.usage.output_tokens == cut.answer.usage.output_tokens);
  static JsonTokens tokens(256);
  must(tokens.scan(whole.answer.body));  // it becomes a part of a line
  return 0;
}

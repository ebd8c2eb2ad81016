// Bodies of errors, whatever they hold, through every dialect. Input: status; then the body.
#include <cstdint>

#include "tests/fuzz/dialects.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  if (size < 1) return 0;
  static constexpr int statuses[] = {200, 302, 400, 401, 402, 403, 404, 408, 409, 413,
                                     418, 422, 424, 429, 498, 499, 500, 502, 503, 529};
  ResponseHead head;
  head.status = statuses[data[0] % std::size(statuses)];
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto& dialect : all_dialects()) {
    const Fault fault = dialect->classify(head, body);
    must(fault.message.size() <= 512);
    for (const char c : fault.message) must(static_cast<unsigned char>(c) >= ' ');
    must(!fault.retry_after || *fault.retry_after > Duration::zero());
    dialect->judge_probe(head, body);
  }
  return 0;
}

// Header fields, "name: value" a line, through every dialect's limits, and their values through the readers
// of times and counts (durations_fuzz has those by themselves).
#include <cstdint>

#include "io/duration_text.h"
#include "tests/fuzz/dialects.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  constexpr std::string_view date = "Wed, 21 Oct 2026 07:28:00 GMT";
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ResponseHead head;
  head.status = 429;
  head.add("date", date);
  for (int field = 0; field < 32 && !rest.empty(); ++field) {
    const std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t colon = line.find(':');
    const std::string value = colon == std::string::npos ? line : line.substr(colon + 1);
    if (colon != std::string::npos) head.add(line.substr(0, colon), value);
    for (const auto& read : {parse_go_duration(value), parse_seconds(value), parse_reset(value, date),
                             parse_retry_after(value, date), parse_retry_after_ms(value), find_wait(value)}) {
      must(!read || *read >= Duration::zero());
    }
    const auto count = parse_field_number(value);
    must(!count || *count >= 0);
    parse_http_date(value);
    parse_rfc3339(value);
  }
  for (const auto& dialect : all_dialects()) {
    const ServerLimits limits = dialect->limits(head);
    for (const LimitReading& reading : limits.readings) {
      must(!reading.limit || *reading.limit > 0);
      must(!reading.remaining || *reading.remaining >= 0);
      must(!reading.resets_in || *reading.resets_in >= Duration::zero());
    }
    dialect->classify(head, "");
  }
  return 0;
}

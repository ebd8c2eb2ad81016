#include "io/dialects/limit_fields.h"

#include <algorithm>

#include "io/duration_text.h"

namespace batchrun {

namespace {

constexpr Duration minute = std::chrono::minutes(1);
constexpr Duration day = std::chrono::hours(24);

constexpr std::size_t longest_organisation = 128;

bool states_something(const LimitReading& reading) {
  return reading.limit || reading.remaining || reading.resets_in;
}

}  // namespace

LimitReading read_limit(const ResponseHead& head, const LimitFields& fields) {
  LimitReading reading;
  if (const auto text = head.field(fields.limit); !text.empty()) reading.limit = parse_field_number(text);
  if (reading.limit == 0.0) reading.limit.reset();
  if (const auto text = head.field(fields.remaining); !text.empty())
    reading.remaining = parse_field_number(text);
  if (const auto text = head.field(fields.reset); !text.empty())
    reading.resets_in = parse_reset(text, head.field("date"));
  return reading;
}

void put_limit(ServerLimits& limits, Dimension dimension, LimitReading reading) {
  if (!states_something(reading)) return;
  if (reading.resets_in)
    reading.resets_in = std::min(*reading.resets_in, is_per_day(dimension) ? day : minute);
  limits[dimension] = reading;
  limits.any = true;
}

// FNV-1a.
std::uint64_t organisation_hash(std::string_view name) {
  if (name.empty() || name.size() > longest_organisation) return 0;
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace batchrun

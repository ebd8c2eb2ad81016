// Numbers with units, as people write and read them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/time.h"

namespace batchrun {

// Each answers nothing for text that is not wholly one.

// "200ms", "30s", "5m", "24h", "7d", "1h30m"; a unit is required; at most ten years.
std::optional<Duration> parse_duration(std::string_view text);
// Bytes: "32MiB", "64KiB", "1GiB", powers of 1000 as "10MB" and "1kB", or a bare number.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "2.50", "$2.50", "2.50USD" -> 2.5; not negative, at most a million.
std::optional<double> parse_dollars(std::string_view text);
// "5%" or "5" -> 0.05; more than 0, at most 100.
std::optional<double> parse_percent(std::string_view text);
// Decimal digits only; no sign, nothing over 2^64 - 1.
std::optional<std::uint64_t> parse_count(std::string_view text);

// "340 ms", "12 s", "1m 35s", "2h 05m", "3d 04h": two units at most.
std::string format_duration(Duration duration);
// "10,000".
std::string format_count(std::uint64_t count);
// "1 row", "10,000 rows".
std::string format_rows(std::uint64_t count);
// "950", "61.2k", "1.20M": three digits.
std::string format_short(double value);
// "32.0 MiB".
std::string format_bytes(std::uint64_t bytes);

}  // namespace batchrun

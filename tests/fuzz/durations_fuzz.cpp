// Times as providers write them: what is read is what a reader made of a regular expression and long doubles
// reads.
#include <cmath>
#include <cstdint>
#include <regex>

#include "io/duration_text.h"
#include "tests/fuzz/must.h"

namespace {

using namespace batchrun;

constexpr long double ten_years_s = 10.0L * 366 * 86400;

std::string trimmed(const std::string& text) {
  constexpr const char* white = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::optional<long double> go_seconds(const std::string& text) {
  static const std::regex form(
      R"((?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?)");
  std::smatch parts;
  if (text.empty() || !std::regex_match(text, parts, form)) return std::nullopt;
  static constexpr long double units[] = {3600, 60, 1, 0.001L};
  long double seconds = 0;
  for (int i = 0; i < 4; ++i) {
    if (parts[static_cast<std::size_t>(i) + 1].matched)
      seconds += std::stold(parts[static_cast<std::size_t>(i) + 1].str()) * units[i];
  }
  return seconds;
}

bool near(std::optional<Duration> read, std::optional<long double> expected) {
  if (read.has_value() != expected.has_value()) return false;
  if (!read) return true;
  const long double seconds = static_cast<long double>(read->count()) * 1e-9L;
  if (*expected >= 3650.0L * 86400) return seconds >= 3649.0L * 86400 && seconds <= ten_years_s;
  return std::fabs(seconds - *expected) <= 1e-6L + *expected * 1e-12L;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 64));
  must(near(parse_go_duration(text), go_seconds(trimmed(text))));
  constexpr std::string_view date = "Wed, 21 Oct 2026 07:28:00 GMT";
  for (const auto& read : {parse_seconds(text), parse_reset(text, date)})
    must(!read || *read >= Duration::zero());
  for (const auto& read : {parse_retry_after(text, date), parse_retry_after_ms(text), find_wait(text)})
    must(!read || (*read > Duration::zero() && *read <= std::chrono::hours(24 * 31)));
  const auto count = parse_field_number(text);
  must(!count || (*count >= 0 && std::isfinite(*count)));
  constexpr std::int64_t year_2201_ns = 7'289'654'400'000'000'000;
  for (const auto& at : {parse_http_date(text), parse_rfc3339(text)})
    must(!at || (*at >= 0 && *at < year_2201_ns));
  return 0;
}

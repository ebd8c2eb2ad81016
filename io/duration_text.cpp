#include "io/duration_text.h"

#include <array>
#include <charconv>
#include <string>

#include "io/ascii.h"

namespace batchrun {

namespace {

constexpr double longest_wait_s = 31 * 86400.0;
constexpr std::int64_t second_ns = 1'000'000'000;

// Takes digits[.digits] off the front of `text`.
std::optional<double> take_decimal(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && ascii::is_digit(text[size])) ++size;
  if (size == 0) return std::nullopt;
  if (size + 1 < text.size() && text[size] == '.' && ascii::is_digit(text[size + 1])) {
    ++size;
    while (size < text.size() && ascii::is_digit(text[size])) ++size;
  }
  std::uint64_t whole = 0;
  double value = 0;
  // Nearly all figures are whole, and reading those is a third of the cost.
  if (size <= 15 && std::from_chars(text.data(), text.data() + size, whole).ptr == text.data() + size) {
    text.remove_prefix(size);
    return static_cast<double>(whole);
  }
  const auto read = std::from_chars(text.data(), text.data() + size, value, std::chars_format::fixed);
  if (read.ec != std::errc()) return std::nullopt;  // more digits than a double can hold
  text.remove_prefix(size);
  return value;
}

std::optional<double> parse_decimal(std::string_view text) {
  text = ascii::trim(text);
  const auto value = take_decimal(text);
  return text.empty() ? value : std::nullopt;
}

// Takes exactly `digits` digits off the front of `text`; -1 if they are not there.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!ascii::is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

struct CivilTime {
  int year = -1, month = -1, day = -1, hour = -1, minute = -1, second = -1;
};

std::optional<std::int64_t> nanoseconds_since_1970(const CivilTime& t) {
  if (t.year < 1970 || t.year > 2200 || t.hour < 0 || t.hour > 23 || t.minute < 0 || t.minute > 59 ||
      t.second < 0 || t.second > 60 || t.month < 1 || t.day < 1) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(t.year),
                                         std::chrono::month(static_cast<unsigned>(t.month)),
                                         std::chrono::day(static_cast<unsigned>(t.day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (days * 86400 + t.hour * 3600 + t.minute * 60 + t.second) * second_ns;
}

int month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (months[i] == name) return static_cast<int>(i) + 1;
  }
  return -1;
}

// "07:28:00" into `t`.
bool take_clock(std::string_view& text, CivilTime& t) {
  t.hour = take_number(text, 2);
  if (!take(text, ":")) return false;
  t.minute = take_number(text, 2);
  if (!take(text, ":")) return false;
  t.second = take_number(text, 2);
  return true;
}

// The zone of an RFC 3339 time, "Z" or "+01:00", as seconds east of UTC.
std::optional<int> take_zone(std::string_view& text) {
  if (take(text, "Z") || take(text, "z")) return 0;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take(text, "+") && !take(text, "-")) return std::nullopt;
  const int hours = take_number(text, 2);
  if (!take(text, ":")) return std::nullopt;
  const int minutes = take_number(text, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

std::optional<Duration> sane_wait(double seconds_to_wait) {
  const Duration wait = from_seconds(seconds_to_wait);
  if (wait <= Duration::zero() || seconds_to_wait > longest_wait_s) return std::nullopt;
  return wait;
}

// "300ms", "9m38.016s", "22 seconds", "1 second.", "2 minutes" at the front of `text`.
std::optional<double> leading_wait(std::string_view text) {
  const std::size_t word_end = std::min(text.find(' '), text.size());
  std::string_view word = text.substr(0, word_end);
  while (!word.empty() && !ascii::is_alnum(word.back())) word.remove_suffix(1);
  if (const auto duration = parse_go_duration(word)) return seconds(*duration);
  const auto number = parse_decimal(word);
  if (!number) return std::nullopt;
  const std::string_view unit = ascii::trim(text.substr(word_end));
  if (ascii::starts_with(unit, "milli") || ascii::starts_with(unit, "ms")) return *number / 1000;
  if (ascii::starts_with(unit, "min")) return *number * 60;
  if (ascii::starts_with(unit, "hour")) return *number * 3600;
  if (ascii::starts_with(unit, "day")) return *number * 86400;
  return *number;
}

}  // namespace

std::optional<Duration> parse_go_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr std::array<Unit, 4> units = {{{"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 0.001}}};
  text = ascii::trim(text);
  if (text.empty()) return std::nullopt;
  double total = 0;
  for (std::size_t next_unit = 0; !text.empty();) {
    const auto number = take_decimal(text);
    if (!number) return std::nullopt;
    std::size_t letters = 0;
    while (letters < text.size() && !ascii::is_digit(text[letters])) ++letters;
    while (next_unit < units.size() && units[next_unit].name != text.substr(0, letters)) ++next_unit;
    if (next_unit == units.size()) return std::nullopt;
    total += *number * units[next_unit].seconds;
    text.remove_prefix(letters);
    ++next_unit;
  }
  return from_seconds(total);
}

std::optional<Duration> parse_seconds(std::string_view text) {
  const auto value = parse_decimal(text);
  return value ? std::optional(from_seconds(*value)) : std::nullopt;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  text = ascii::trim(text);
  const std::size_t comma = text.find(", ");
  if (comma != 3) return std::nullopt;  // the weekday is not checked: the date says the same
  text.remove_prefix(5);
  CivilTime t;
  t.day = take_number(text, 2);
  if (!take(text, " ") || text.size() < 4) return std::nullopt;
  t.month = month_number(text.substr(0, 3));
  text.remove_prefix(3);
  if (!take(text, " ")) return std::nullopt;
  t.year = take_number(text, 4);
  if (!take(text, " ") || !take_clock(text, t) || text != " GMT") return std::nullopt;
  return nanoseconds_since_1970(t);
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  text = ascii::trim(text);
  CivilTime t;
  t.year = take_number(text, 4);
  if (!take(text, "-")) return std::nullopt;
  t.month = take_number(text, 2);
  if (!take(text, "-")) return std::nullopt;
  t.day = take_number(text, 2);
  if (!take(text, "T") && !take(text, "t") && !take(text, " ")) return std::nullopt;
  if (!take_clock(text, t)) return std::nullopt;
  std::int64_t fraction_ns = 0;
  if (take(text, ".")) {
    std::size_t digits = 0;
    std::int64_t unit = second_ns / 10;
    for (; digits < text.size() && ascii::is_digit(text[digits]); ++digits, unit /= 10) {
      fraction_ns += (text[digits] - '0') * unit;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }
  const auto zone_s = take_zone(text);
  const auto whole = nanoseconds_since_1970(t);
  if (!zone_s || !whole || !text.empty()) return std::nullopt;
  return *whole + fraction_ns - *zone_s * second_ns;
}

std::optional<Duration> parse_reset(std::string_view text, std::string_view date) {
  if (const auto duration = parse_go_duration(text)) return duration;
  if (const auto bare = parse_seconds(text)) return bare;
  const auto then = parse_rfc3339(text);
  const auto now = parse_http_date(date);
  if (!then || !now) return std::nullopt;
  return from_seconds(static_cast<double>(*then - *now) / 1e9);
}

std::optional<Duration> parse_retry_after(std::string_view text, std::string_view date) {
  if (const auto bare = parse_decimal(text)) return sane_wait(*bare);
  const auto then = parse_http_date(text);
  const auto now = parse_http_date(date);
  if (!then || !now) return std::nullopt;
  return sane_wait(static_cast<double>(*then - *now) / 1e9);
}

std::optional<Duration> parse_retry_after_ms(std::string_view text) {
  const auto value = parse_decimal(text);
  return value ? sane_wait(*value / 1000) : std::nullopt;
}

std::optional<Duration> find_wait(std::string_view message) {
  for (const std::string_view phrase : {"try again in ", "retry in ", "retry after ", "try again after "}) {
    const std::size_t at = ascii::find(message, phrase);
    if (at == std::string_view::npos) continue;
    if (const auto wait_s = leading_wait(message.substr(at + phrase.size()))) return sane_wait(*wait_s);
  }
  return std::nullopt;
}

std::optional<double> parse_field_number(std::string_view text) {
  text = ascii::trim(text);
  if (text.find(',') == std::string_view::npos) return parse_decimal(text);
  if (text.find('.') != std::string_view::npos) return std::nullopt;
  std::string digits;
  for (bool first = true; !text.empty(); first = false) {
    const std::size_t group = std::min(text.find(','), text.size());
    if (first ? (group < 1 || group > 3) : group != 3) return std::nullopt;
    digits += text.substr(0, group);
    text.remove_prefix(group);
    if (text == ",") return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
    if (digits.size() > 30) return std::nullopt;
  }
  return parse_decimal(digits);
}

}  // namespace batchrun

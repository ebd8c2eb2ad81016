#include "io/duration_text.h"

#include <gtest/gtest.h>
#include <time.h>

#include <random>
#include <string>

namespace batchrun {
namespace {

using namespace std::chrono_literals;

const std::string date = "Sun, 22 Nov 2026 10:15:00 GMT";

std::optional<double> in_seconds(std::optional<Duration> duration) {
  return duration ? std::optional(seconds(*duration)) : std::nullopt;
}

void expect_seconds(std::optional<Duration> duration, double expected, std::string_view text) {
  ASSERT_TRUE(duration) << text;
  EXPECT_NEAR(seconds(*duration), expected, 1e-6) << text;
}

TEST(GoDuration, ReadsWhatProvidersSend) {
  const std::pair<std::string_view, double> table[] = {{"1s", 1},
                                                       {"6m0s", 360},
                                                       {"120ms", 0.12},
                                                       {"0s", 0},
                                                       {"1h2m3.5s", 3723.5},
                                                       {"2m59.56s", 179.56},
                                                       {"7.66s", 7.66},
                                                       {"1m7.391999999s", 67.391999999},
                                                       {"9m38.016s", 578.016},
                                                       {"1h25m3.847s", 5103.847},
                                                       {"45.578569677s", 45.578569677},
                                                       {" 6m0s ", 360},
                                                       {"1h", 3600},
                                                       {"1.5h", 5400},
                                                       {"2m", 120},
                                                       {"1m30ms", 60.03},
                                                       {"1s500ms", 1.5},
                                                       {"0ms", 0},
                                                       {"37s", 37}};
  for (const auto& [text, expected] : table) expect_seconds(parse_go_duration(text), expected, text);
}

TEST(GoDuration, RefusesAnythingElse) {
  for (const std::string_view text :
       {"",    " ",  "1",    "s",    "1x",   "-1s",  "+1s",  "1s1s", "1s1m",   "1ms1s", "1.s",  ".5s",
        "1 s", "1S", "1e3s", "nans", "infs", "0x1s", "1m s", "1,5s", "1s\n2s", "1h2",   "1..2s"}) {
    EXPECT_EQ(in_seconds(parse_go_duration(text)), std::nullopt) << text;
  }
}

TEST(GoDuration, ClampsWhatNoOneCouldWaitFor) {
  constexpr double ten_years = 315'360'000.0;
  expect_seconds(parse_go_duration("99999999999999h"), ten_years, "huge");
  EXPECT_EQ(in_seconds(parse_go_duration(std::string(400, '9') + "s")), std::nullopt);
}

// Made from random parts, read back: the parts are known, the text is the only thing passed on.
TEST(GoDuration, ReadsEveryCombinationOfItsParts) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    std::uint64_t microseconds = 0;
    const auto add = [&](std::uint64_t unit_us, std::string_view unit) {
      if (random() % 2) return;
      const std::uint64_t whole = random() % 100, hundredths = random() % 100;
      text += std::to_string(whole);
      if (random() % 2) {
        text += (hundredths < 10 ? ".0" : ".") + std::to_string(hundredths);
        microseconds += hundredths * unit_us / 100;
      }
      text += unit;
      microseconds += whole * unit_us;
    };
    add(3'600'000'000, "h");
    add(60'000'000, "m");
    add(1'000'000, "s");
    add(1'000, "ms");
    if (text.empty()) continue;
    expect_seconds(parse_go_duration(text), static_cast<double>(microseconds) / 1e6, text);
  }
}

TEST(Seconds, AreBareDecimals) {
  expect_seconds(parse_seconds("33011.382867"), 33011.382867, "cerebras");
  expect_seconds(parse_seconds("0"), 0, "0");
  expect_seconds(parse_seconds(" 20 "), 20, "20");
  for (const std::string_view text :
       {"", "-1", "+1", "nan", "inf", "1e5", "20s", "1.", ".1", "0x10", "1 2", "30,000"}) {
    EXPECT_EQ(in_seconds(parse_seconds(text)), std::nullopt) << text;
  }
}

// Against the C library's own calendar.
TEST(Dates, AgreeWithTheCLibrary) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    const auto when = static_cast<time_t>(random() % 7'000'000'000);
    tm parts{};
    gmtime_r(&when, &parts);
    char http[64], rfc[64];
    strftime(http, sizeof http, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    strftime(rfc, sizeof rfc, "%Y-%m-%dT%H:%M:%SZ", &parts);
    EXPECT_EQ(parse_http_date(http), when * 1'000'000'000) << http;
    EXPECT_EQ(parse_rfc3339(rfc), when * 1'000'000'000) << rfc;
  }
}

TEST(Dates, ReadFractionsAndZones) {
  const auto noon = parse_rfc3339("2026-11-22T12:00:00Z");
  ASSERT_TRUE(noon);
  EXPECT_EQ(parse_rfc3339("2026-11-22T13:00:00+01:00"), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-22T06:30:00-05:30"), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-22t12:00:00.25z"), *noon + 250'000'000);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:00:00.1234567891Z"), *noon + 123'456'789);
}

TEST(Dates, RefuseWhatIsNoDate) {
  for (const std::string_view text :
       {"", "2026-11-22", "2026-13-22T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z", "2026-11-22T10:15:30", "2026-11-22T10:15:30.Z", "2026-11-22T10:15:30+1:00",
        "2026-11-22T10:15:30Zx", "26-11-22T10:15:30Z", "9999-11-22T10:15:30Z", "2026-11-00T10:15:30Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
  for (const std::string_view text : {"", "Sun", "Sun, 22 Nov 2026 10:15:00", "Sun, 22 Nov 2026 10:15:00 CET",
                                      "Sun, 31 Feb 2026 10:15:00 GMT", "Sun, 22 nov 2026 10:15:00 GMT",
                                      "Sun, 2 Nov 2026 10:15:00 GMT", "Sunday, 22-Nov-26 10:15:00 GMT",
                                      "Sun, 22 Nov 1969 10:15:00 GMT", "Sun, 22 Nov 2026 10:15:00 GMTx"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(Reset, TakesEveryForm) {
  EXPECT_EQ(in_seconds(parse_reset("6m0s", "")), 360.0);
  EXPECT_EQ(in_seconds(parse_reset("17", "")), 17.0);
  EXPECT_EQ(in_seconds(parse_reset("2026-11-22T10:15:30Z", date)), 30.0);
  EXPECT_EQ(in_seconds(parse_reset("2026-11-22T10:14:30Z", date)), 0.0);  // past: full again already
  EXPECT_EQ(in_seconds(parse_reset("2026-11-22T10:15:30Z", "")), std::nullopt);
  EXPECT_EQ(in_seconds(parse_reset("soon", date)), std::nullopt);
}

TEST(RetryAfter, TakesSecondsAndDatesInRange) {
  EXPECT_EQ(in_seconds(parse_retry_after("2", date)), 2.0);
  EXPECT_EQ(in_seconds(parse_retry_after("0.5", date)), 0.5);
  EXPECT_EQ(in_seconds(parse_retry_after("Sun, 22 Nov 2026 10:15:08 GMT", date)), 8.0);
  EXPECT_EQ(in_seconds(parse_retry_after("2678400", date)), 2678400.0);  // 31 days
}

TEST(RetryAfter, IgnoresWhatIsNotAWait) {
  for (const std::string_view text :
       {"", "0", "0.0", "0.00000000000018", "-1", "nan", "inf", "1000000000", "99999999999999999999999",
        "2678401", "soon", "2 s", "1s", "Sun, 22 Nov 2026 10:15:00 GMT", "Sun, 22 Nov 2026 10:14:59 GMT",
        "Mon, 22 Nov 2027 10:15:00 GMT"}) {
    EXPECT_EQ(in_seconds(parse_retry_after(text, date)), std::nullopt) << text;
  }
  EXPECT_EQ(in_seconds(parse_retry_after("Sun, 22 Nov 2026 10:15:08 GMT", "")), std::nullopt);
}

TEST(RetryAfterMs, IsADecimalNumberOfMilliseconds) {
  EXPECT_EQ(in_seconds(parse_retry_after_ms("1500")), 1.5);
  EXPECT_EQ(in_seconds(parse_retry_after_ms("20.5")), 0.0205);
  for (const std::string_view text : {"", "0", "-5", "abc", "10000000000000"}) {
    EXPECT_EQ(in_seconds(parse_retry_after_ms(text)), std::nullopt) << text;
  }
}

TEST(FindWait, ReadsTheProvidersSentences) {
  const std::pair<std::string_view, double> table[] = {
      {"Limit 3. Please try again in 4.74s. Visit https://x to learn more.", 4.74},
      {"Please try again in 300ms.", 0.3},
      {"Please try again in 9m38.016s.", 578.016},
      {"Please try again in 1h25m3.847s. Need more?", 5103.847},
      {"Please try again in 20s, or upgrade", 20},
      {"Please retry after 22 seconds. Please go", 22},
      {"Please retry after 1 second.", 1},
      {"please RETRY AFTER 2 minutes", 120},
      {"Please retry in 45.578569677s.", 45.578569677},
      {"try again in 250 milliseconds", 0.25},
      {"Retry after x. Try again in 3s", 3}};
  for (const auto& [text, expected] : table) expect_seconds(find_wait(text), expected, text);
  for (const std::string_view text : {"", "Please try again later", "try again in", "try again in 0s",
                                      "try again in -1s", "retry after never", "try again in 9000000h"}) {
    EXPECT_EQ(in_seconds(find_wait(text)), std::nullopt) << text;
  }
}

TEST(Count, AllowsThousandsSeparatorsInTheirPlaces) {
  const std::pair<std::string_view, double> table[] = {
      {"0", 0},       {"500", 500}, {"30000", 30000}, {"30,000", 30000}, {"1,234,567", 1234567},
      {"14.5", 14.5}, {" 7 ", 7}};
  for (const auto& [text, expected] : table) EXPECT_EQ(parse_field_number(text), expected) << text;
  for (const std::string_view text : {"", "-1", "+5", "1e3", "nan", "30,00", "30,", ",300", "3000,000",
                                      "1,,000", "1,000,", "1.5,000", "1,00a", "30 000", "0x1F"}) {
    EXPECT_EQ(parse_field_number(text), std::nullopt) << text;
  }
}

// Nothing that comes may hurt: every reader gets every short string over the letters that matter.
TEST(DurationText, SurvivesEveryShortString) {
  const std::string letters = "10.,hms-T:Z ";
  for (std::size_t length = 0, count = 1; length <= 5; ++length, count *= letters.size()) {
    for (std::size_t number = 0; number < count; ++number) {
      std::string text;
      for (std::size_t i = 0, rest = number; i < length; ++i, rest /= letters.size())
        text += letters[rest % letters.size()];
      for (const auto& result :
           {parse_reset(text, date), parse_retry_after(text, date), find_wait("retry in " + text)}) {
        ASSERT_TRUE(!result || *result >= Duration::zero()) << text;
      }
      const auto value = parse_field_number(text);
      ASSERT_TRUE(!value || *value >= 0) << text;
    }
  }
}

}  // namespace
}  // namespace batchrun

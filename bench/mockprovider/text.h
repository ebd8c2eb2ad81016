// Pieces of reply text: JSON strings, durations, dates, UTF-8 cuts. All append to or cut from what the caller
// owns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/mockprovider/moment.h"

namespace batchrun::mock {

// Appends `text` as a JSON string, quotes included. REQUIRES: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

// A Go duration as OpenAI and Groq write it, rounded up to milliseconds: "0s", "120ms", "7.66s", "6m0s",
// "1h2m3.5s".
std::string go_duration(Moment duration);

// "Sun, 22 Nov 2026 10:15:30 GMT".
std::string http_date(std::int64_t unix_s);

// "2026-11-22T10:15:30Z".
std::string rfc3339(std::int64_t unix_s);

// Seconds that California's clocks are ahead of UTC (they are behind: -28800 in winter, -25200 in summer, by
// the rule of 2007).
std::int64_t pacific_offset_s(std::int64_t unix_s);

// A URL's text with its %XX and '+' taken back.
std::string percent_decoded(std::string_view text);

// The first bytes of `text`, at most `most`, not cutting a code point.
std::string_view utf8_prefix(std::string_view text, std::size_t most);

}  // namespace batchrun::mock

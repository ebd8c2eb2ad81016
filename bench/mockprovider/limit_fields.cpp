#include "bench/mockprovider/limit_fields.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

void append_one(std::string& out, Quota& quota, Dimension dimension, std::string_view name, Flavour flavour,
                Moment now, bool untouched) {
  Limiter* limiter = quota.limiter(dimension);
  if (!limiter) return;
  const double limit = *quota.limit(dimension);
  const double remaining = untouched ? limit : std::floor(limiter->remaining(now));
  const Moment reset = untouched ? Moment::zero() : limiter->resets_in(now);
  const std::string reset_text =
      flavour == Flavour::cerebras ? fmt::format("{:.6f}", in_seconds(reset)) : go_duration(reset);
  fmt::format_to(std::back_inserter(out),
                 "x-ratelimit-limit-{0}: {1:.0f}\r\nx-ratelimit-remaining-{0}: {2:.0f}\r\n"
                 "x-ratelimit-reset-{0}: {3}\r\n",
                 name, limit, remaining, reset_text);
}

}  // namespace

void append_limit_fields(std::string& out, Quota& quota, Flavour flavour, Moment now,
                         const Refusal* refusal) {
  const bool untouched = refusal && refusal->too_large;
  const auto add = [&](Dimension d, std::string_view name) {
    append_one(out, quota, d, name, flavour, now, untouched);
  };
  switch (flavour) {
    case Flavour::openai:
      add(quota.limit(Dimension::requests_per_minute) ? Dimension::requests_per_minute
                                                      : Dimension::requests_per_day,
          "requests");
      return add(Dimension::tokens_per_minute, "tokens");
    case Flavour::groq:
      add(Dimension::requests_per_day, "requests");
      if (!refusal || refusal->dimension != Dimension::requests_per_minute) {
        add(Dimension::tokens_per_minute, "tokens");
      }
      return;
    case Flavour::cerebras:
      add(Dimension::requests_per_minute, "requests-minute");
      add(Dimension::requests_per_day, "requests-day");
      return add(Dimension::tokens_per_minute, "tokens-minute");
  }
}

}  // namespace batchrun::mock

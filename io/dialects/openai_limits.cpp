#include "io/dialects/openai_limits.h"

#include <algorithm>

#include "io/duration_text.h"

namespace batchrun {

namespace {

constexpr Duration minute = std::chrono::minutes(1);
constexpr Duration day = std::chrono::hours(24);
// A bucket of a minute is full again after a minute, a sliding counter has forgotten after two; the rest is
// for a server that rounds. In doubt it is a minute's: one taken for a day's would be waited for until the
// day turns.
constexpr Duration longest_minute_reset = std::chrono::seconds(125);
constexpr std::size_t longest_organisation = 128;

struct FieldNames {
  std::string_view limit, remaining, reset;
};

LimitReading read(const ResponseHead& head, const FieldNames& names) {
  LimitReading reading;
  if (const auto text = head.field(names.limit); !text.empty()) reading.limit = parse_field_number(text);
  if (reading.limit == 0.0) reading.limit.reset();
  if (const auto text = head.field(names.remaining); !text.empty())
    reading.remaining = parse_field_number(text);
  if (const auto text = head.field(names.reset); !text.empty()) {
    reading.resets_in = parse_reset(text, head.field("date"));
  }
  return reading;
}

bool states_something(const LimitReading& reading) {
  return reading.limit || reading.remaining || reading.resets_in;
}

// FNV-1a. Only as long as such names are: what somebody else may put there says nothing.
std::uint64_t organisation_of(const ResponseHead& head) {
  const std::string_view name = head.field("openai-organization");
  if (name.empty() || name.size() > longest_organisation) return 0;
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

void put(ServerLimits& limits, Dimension dimension, LimitReading reading) {
  if (!states_something(reading)) return;
  if (reading.resets_in)
    reading.resets_in = std::min(*reading.resets_in, is_per_day(dimension) ? day : minute);
  limits[dimension] = reading;
  limits.any = true;
}

void put_by_reset(ServerLimits& limits, Dimension per_minute, Dimension per_day,
                  const LimitReading& reading) {
  const bool daily = reading.resets_in && *reading.resets_in > longest_minute_reset;
  put(limits, daily ? per_day : per_minute, reading);
}

constexpr FieldNames requests = {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                                 "x-ratelimit-reset-requests"};
constexpr FieldNames tokens = {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
                               "x-ratelimit-reset-tokens"};
constexpr FieldNames project_tokens = {"x-ratelimit-limit-project-tokens",
                                       "x-ratelimit-remaining-project-tokens",
                                       "x-ratelimit-reset-project-tokens"};

ServerLimits read_openai(const ResponseHead& head) {
  ServerLimits limits;
  put_by_reset(limits, Dimension::requests_per_minute, Dimension::requests_per_day, read(head, requests));
  LimitReading binding = read(head, tokens);
  const LimitReading project = read(head, project_tokens);
  if (project.remaining && (!binding.remaining || *project.remaining < *binding.remaining)) binding = project;
  put_by_reset(limits, Dimension::tokens_per_minute, Dimension::tokens_per_day, binding);
  limits.organisation = organisation_of(head);
  return limits;
}

ServerLimits read_groq(const ResponseHead& head) {
  ServerLimits limits;
  put(limits, Dimension::requests_per_day, read(head, requests));
  put(limits, Dimension::tokens_per_minute, read(head, tokens));
  return limits;
}

ServerLimits read_cerebras(const ResponseHead& head) {
  struct Named {
    Dimension dimension;
    FieldNames names;
  };
  static constexpr Named all[] = {
      {Dimension::requests_per_minute,
       {"x-ratelimit-limit-requests-minute", "x-ratelimit-remaining-requests-minute",
        "x-ratelimit-reset-requests-minute"}},
      {Dimension::tokens_per_minute,
       {"x-ratelimit-limit-tokens-minute", "x-ratelimit-remaining-tokens-minute",
        "x-ratelimit-reset-tokens-minute"}},
      {Dimension::requests_per_day,
       {"x-ratelimit-limit-requests-day", "x-ratelimit-remaining-requests-day",
        "x-ratelimit-reset-requests-day"}},
      {Dimension::tokens_per_day,
       {"x-ratelimit-limit-tokens-day", "x-ratelimit-remaining-tokens-day", "x-ratelimit-reset-tokens-day"}},
  };
  ServerLimits limits;
  for (const Named& named : all) put(limits, named.dimension, read(head, named.names));
  return limits;
}

}  // namespace

ServerLimits openai_limits(OpenAiFlavour flavour, const ResponseHead& head) {
  switch (flavour) {
    case OpenAiFlavour::groq:
      return read_groq(head);
    case OpenAiFlavour::cerebras:
      return read_cerebras(head);
    case OpenAiFlavour::openai:
    case OpenAiFlavour::azure:
    case OpenAiFlavour::ollama:
      break;
  }
  return read_openai(head);
}

}  // namespace batchrun

#include "io/dialects/openai_limits.h"

#include "io/dialects/limit_fields.h"

namespace batchrun {

namespace {

// A bucket of a minute is full again after a minute, a sliding counter has forgotten after two; the rest is
// for a server that rounds. In doubt it is a minute's: one taken for a day's would be waited for until the
// day turns.
constexpr Duration longest_minute_reset = std::chrono::seconds(125);

void put_by_reset(ServerLimits& limits, Dimension per_minute, Dimension per_day,
                  const LimitReading& reading) {
  const bool daily = reading.resets_in && *reading.resets_in > longest_minute_reset;
  put_limit(limits, daily ? per_day : per_minute, reading);
}

constexpr LimitFields requests = {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                                  "x-ratelimit-reset-requests"};
constexpr LimitFields tokens = {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
                                "x-ratelimit-reset-tokens"};
constexpr LimitFields project_tokens = {"x-ratelimit-limit-project-tokens",
                                        "x-ratelimit-remaining-project-tokens",
                                        "x-ratelimit-reset-project-tokens"};

ServerLimits read_openai(const ResponseHead& head) {
  ServerLimits limits;
  put_by_reset(limits, Dimension::requests_per_minute, Dimension::requests_per_day,
               read_limit(head, requests));
  LimitReading binding = read_limit(head, tokens);
  const LimitReading project = read_limit(head, project_tokens);
  if (project.remaining && (!binding.remaining || *project.remaining < *binding.remaining)) binding = project;
  put_by_reset(limits, Dimension::tokens_per_minute, Dimension::tokens_per_day, binding);
  limits.organisation = organisation_hash(head.field("openai-organization"));
  return limits;
}

ServerLimits read_groq(const ResponseHead& head) {
  ServerLimits limits;
  put_limit(limits, Dimension::requests_per_day, read_limit(head, requests));
  put_limit(limits, Dimension::tokens_per_minute, read_limit(head, tokens));
  return limits;
}

ServerLimits read_cerebras(const ResponseHead& head) {
  struct Named {
    Dimension dimension;
    LimitFields names;
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
  for (const Named& named : all) put_limit(limits, named.dimension, read_limit(head, named.names));
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

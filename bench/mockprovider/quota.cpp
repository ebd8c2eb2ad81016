#include "bench/mockprovider/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

constexpr Moment minute = std::chrono::minutes(1);
constexpr Moment hour = std::chrono::hours(1);
constexpr Moment day = std::chrono::hours(24);

enum class Counted : std::uint8_t { requests, tokens, input, output };

struct Trait {
  std::string_view name;
  Counted counted;
  Moment window;
};

// In the order of Dimension.
constexpr std::array<Trait, windowed_dimensions> traits = {{{"RPM", Counted::requests, minute},
                                                            {"TPM", Counted::tokens, minute},
                                                            {"RPD", Counted::requests, day},
                                                            {"TPD", Counted::tokens, day},
                                                            {"ITPM", Counted::input, minute},
                                                            {"OTPM", Counted::output, minute},
                                                            {"RPH", Counted::requests, hour}}};

constexpr std::array windowed = {Dimension::requests_per_minute,     Dimension::tokens_per_minute,
                                 Dimension::requests_per_day,        Dimension::tokens_per_day,
                                 Dimension::input_tokens_per_minute, Dimension::output_tokens_per_minute,
                                 Dimension::requests_per_hour};
static_assert(windowed.size() == windowed_dimensions);

std::size_t place(Dimension dimension) {
  return static_cast<std::size_t>(dimension);
}

const Trait& trait(Dimension dimension) {
  return traits[place(dimension)];
}

double cost_in(Dimension dimension, const Cost& cost) {
  switch (trait(dimension).counted) {
    case Counted::requests:
      return 1;
    case Counted::tokens:
      return cost.tokens;
    case Counted::input:
      return cost.input;
    case Counted::output:
      return cost.output;
  }
  return 0;
}

// Units that a bucket or a slice of this dimension holds at least.
double largest(Dimension dimension, const LimiterSettings& settings) {
  return counts_tokens(dimension) ? std::max(1.0, settings.largest_tokens) : 1;
}

// A request that never fits is worse news than one that has to wait; then the longer wait is the truth.
bool outranks(const Refusal& a, const Refusal& b) {
  return a.too_large != b.too_large ? a.too_large : a.wait > b.wait;
}

// How long before `unix_s` the provider's day began.
Moment into_the_day(DayStart start, std::int64_t unix_s) {
  const std::int64_t offset = start == DayStart::pacific ? pacific_offset_s(unix_s) : 0;
  return std::chrono::seconds((unix_s + offset) % 86400);
}

}  // namespace

std::string_view short_name(Dimension dimension) {
  return dimension == Dimension::concurrency ? "concurrency" : trait(dimension).name;
}

std::string long_name(Dimension dimension) {
  if (dimension == Dimension::concurrency) return "concurrent requests";
  const Trait& t = trait(dimension);
  constexpr std::string_view units[] = {"requests", "tokens", "input tokens", "output tokens"};
  const std::string_view window = t.window == minute ? "min" : t.window == hour ? "hour" : "day";
  return fmt::format("{} per {} ({})", units[static_cast<std::size_t>(t.counted)], window, t.name);
}

bool counts_tokens(Dimension dimension) {
  return dimension != Dimension::concurrency && trait(dimension).counted != Counted::requests;
}

bool is_daily(Dimension dimension) {
  return dimension != Dimension::concurrency && trait(dimension).window == day;
}

Quota::Quota(const Limits& limits, const LimiterSettings& settings, std::int64_t unix_at_start)
    : concurrency_(limits.concurrency) {
  limits_ = {limits.rpm, limits.tpm, limits.rpd, limits.tpd, limits.itpm, limits.otpm, limits.rph};
  for (Dimension d : windowed) {
    if (!limits_[place(d)]) continue;
    const Moment window = trait(d).window;
    LimiterShape shape{.kind = settings.kind,
                       .limit = *limits_[place(d)],
                       .window = window,
                       // A longer window's bucket is all of it: nobody enforces a day limit by the second.
                       .bucket = window == minute ? settings.bucket : window,
                       .largest = largest(d, settings)};
    if (is_daily(d) && settings.day != DayStart::program) {
      shape.kind = LimiterKind::fixed_window;
      shape.phase = into_the_day(settings.day, unix_at_start);
    }
    limiters_[place(d)].emplace(shape);
    if (window == minute && settings.slice > Moment::zero()) add_slice(d, settings);
  }
}

void Quota::add_slice(Dimension dimension, const LimiterSettings& settings) {
  const double share = *limits_[place(dimension)] * in_seconds(settings.slice) / in_seconds(minute);
  slices_[place(dimension)].emplace(
      LimiterShape{.kind = LimiterKind::fixed_window,
                   .limit = std::max(std::floor(share), largest(dimension, settings)),
                   .window = settings.slice});
}

std::optional<Refusal> Quota::refusal(Dimension dimension, Limiter& limiter, double cost, Moment now) {
  const std::optional<Moment> wait = limiter.wait_for(cost, now);
  if (wait && *wait == Moment::zero()) return std::nullopt;
  return Refusal{.dimension = dimension,
                 .limit = *limits_[place(dimension)],
                 .used = limiter.used(now),
                 .requested = cost,
                 .wait = wait.value_or(Moment::zero()),
                 .too_large = !wait};
}

std::optional<Refusal> Quota::admit(const Cost& cost, Moment now) {
  std::optional<Refusal> worst;
  const auto consider = [&worst](const std::optional<Refusal>& r) {
    if (r && (!worst || outranks(*r, *worst))) worst = r;
  };
  for (Dimension d : windowed) {
    if (auto& l = limiters_[place(d)]) consider(refusal(d, *l, cost_in(d, cost), now));
    if (auto& l = slices_[place(d)]) consider(refusal(d, *l, cost_in(d, cost), now));
  }
  if (concurrency_ > 0 && open_ >= concurrency_ && !worst) {
    worst = Refusal{.dimension = Dimension::concurrency,
                    .limit = static_cast<double>(concurrency_),
                    .used = static_cast<double>(open_),
                    .requested = 1,
                    .wait = std::chrono::seconds(1)};
  }
  if (worst) return worst;
  for (Dimension d : windowed) take(d, cost_in(d, cost), now);
  ++open_;
  return std::nullopt;
}

void Quota::take(Dimension dimension, double cost, Moment now) {
  if (auto& l = limiters_[place(dimension)]) l->take(cost, now);
  if (auto& l = slices_[place(dimension)]) l->take(cost, now);
}

void Quota::release() {
  if (open_ == 0) std::abort();
  --open_;
}

void Quota::take_output(double tokens, Moment now) {
  for (Dimension d :
       {Dimension::tokens_per_minute, Dimension::tokens_per_day, Dimension::output_tokens_per_minute}) {
    take(d, tokens, now);
  }
}

void Quota::count_failed_call(Moment now) {
  for (Dimension d : windowed) {
    if (counts_tokens(d)) continue;
    auto& l = limiters_[place(d)];
    if (l && l->wait_for(1, now) == Moment::zero()) l->take(1, now);
  }
}

Limiter* Quota::limiter(Dimension dimension) {
  auto& l = limiters_[place(dimension)];
  return l ? &*l : nullptr;
}

std::optional<double> Quota::limit(Dimension dimension) const {
  return limits_[place(dimension)];
}

}  // namespace batchrun::mock

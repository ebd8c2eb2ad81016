#include "bench/mockprovider/quota.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace batchrun::mock {

namespace {

constexpr Moment minute = std::chrono::minutes(1);
constexpr Moment day = std::chrono::hours(24);

std::size_t place(Dimension dimension) {
  return static_cast<std::size_t>(dimension);
}

bool counts_requests(Dimension dimension) {
  return dimension == Dimension::requests_per_minute || dimension == Dimension::requests_per_day;
}

constexpr std::array windowed = {Dimension::requests_per_minute, Dimension::tokens_per_minute,
                                 Dimension::requests_per_day, Dimension::tokens_per_day};

// Units that a bucket or a slice of this dimension holds at least.
double largest(Dimension dimension, const LimiterSettings& settings) {
  return counts_requests(dimension) ? 1 : std::max(1.0, settings.largest_tokens);
}

// A request that never fits is worse news than one that has to wait; then the longer wait is the truth.
bool outranks(const Refusal& a, const Refusal& b) {
  return a.too_large != b.too_large ? a.too_large : a.wait > b.wait;
}

}  // namespace

std::string_view short_name(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
      return "RPM";
    case Dimension::tokens_per_minute:
      return "TPM";
    case Dimension::requests_per_day:
      return "RPD";
    case Dimension::tokens_per_day:
      return "TPD";
    case Dimension::concurrency:
      return "concurrency";
  }
  return "";
}

Quota::Quota(const Limits& limits, const LimiterSettings& settings) : concurrency_(limits.concurrency) {
  limits_ = {limits.rpm, limits.tpm, limits.rpd, limits.tpd};
  for (Dimension d : windowed) {
    if (!limits_[place(d)]) continue;
    const bool daily = d == Dimension::requests_per_day || d == Dimension::tokens_per_day;
    // A day's bucket is a whole day: nobody enforces a day limit by the second.
    limiters_[place(d)].emplace(LimiterShape{.kind = settings.kind,
                                             .limit = *limits_[place(d)],
                                             .window = daily ? day : minute,
                                             .bucket = daily ? day : settings.bucket,
                                             .largest = largest(d, settings)});
    if (!daily && settings.slice > Moment::zero()) add_slice(d, settings);
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

std::optional<Refusal> Quota::admit(double tokens, Moment now) {
  std::optional<Refusal> worst;
  const auto consider = [&worst](const std::optional<Refusal>& r) {
    if (r && (!worst || outranks(*r, *worst))) worst = r;
  };
  for (Dimension d : windowed) {
    const double cost = counts_requests(d) ? 1 : tokens;
    if (auto& l = limiters_[place(d)]) consider(refusal(d, *l, cost, now));
    if (auto& l = slices_[place(d)]) consider(refusal(d, *l, cost, now));
  }
  if (concurrency_ > 0 && open_ >= concurrency_ && !worst) {
    worst = Refusal{.dimension = Dimension::concurrency,
                    .limit = static_cast<double>(concurrency_),
                    .used = static_cast<double>(open_),
                    .requested = 1,
                    .wait = std::chrono::seconds(1)};
  }
  if (worst) return worst;
  for (Dimension d : windowed) take(d, counts_requests(d) ? 1 : tokens, now);
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

void Quota::take_tokens(double tokens, Moment now) {
  for (Dimension d : {Dimension::tokens_per_minute, Dimension::tokens_per_day}) take(d, tokens, now);
}

void Quota::count_failed_call(Moment now) {
  for (Dimension d : {Dimension::requests_per_minute, Dimension::requests_per_day}) {
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

#include "bench/mockprovider/quota.h"

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
                                             .bucket = daily ? day : settings.bucket});
  }
  if (limits.rpm && settings.request_slice > Moment::zero()) {
    const double share = *limits.rpm * in_seconds(settings.request_slice) / 60.0;
    request_slice_.emplace(LimiterShape{.kind = LimiterKind::fixed_window,
                                        .limit = std::max(1.0, std::floor(share)),
                                        .window = settings.request_slice});
  }
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
    if (auto& l = limiters_[place(d)]) consider(refusal(d, *l, counts_requests(d) ? 1 : tokens, now));
  }
  if (request_slice_) consider(refusal(Dimension::requests_per_minute, *request_slice_, 1, now));
  if (concurrency_ > 0 && open_ >= concurrency_ && !worst) {
    worst = Refusal{.dimension = Dimension::concurrency,
                    .limit = static_cast<double>(concurrency_),
                    .used = static_cast<double>(open_),
                    .requested = 1,
                    .wait = std::chrono::seconds(1)};
  }
  if (worst) return worst;
  for (Dimension d : windowed) {
    if (auto& l = limiters_[place(d)]) l->take(counts_requests(d) ? 1 : tokens, now);
  }
  if (request_slice_) request_slice_->take(1, now);
  ++open_;
  return std::nullopt;
}

void Quota::release() {
  if (open_ == 0) std::abort();
  --open_;
}

void Quota::take_tokens(double tokens, Moment now) {
  for (Dimension d : {Dimension::tokens_per_minute, Dimension::tokens_per_day}) {
    if (auto& l = limiters_[place(d)]) l->take(tokens, now);
  }
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

#include "tests/sim/sim_pool.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace batchrun::sim {
namespace {

constexpr std::array mendable{FaultKind::connect,         FaultKind::timeout_first_chunk,
                              FaultKind::overloaded,      FaultKind::server_error,
                              FaultKind::malformed_reply, FaultKind::truncated_reply,
                              FaultKind::timeout_connect, FaultKind::cancelled};

Outcome failed(FaultKind kind) {
  Outcome outcome;
  outcome.fault = Fault{.kind = kind, .status = 0, .message = {}, .retry_after = {}, .dimension = {}};
  return outcome;
}

End end_of(GiveUp why) {
  switch (why) {
    case GiveUp::none:
      return End::finished;
    case GiveUp::permanent:
      return End::permanent;
    case GiveUp::attempts_spent:
      return End::attempts_spent;
    case GiveUp::deadline:
      return End::deadline;
    case GiveUp::no_candidate:
      return End::no_candidate;
    case GiveUp::exceeds_window:
      return End::exceeds_window;
  }
  return End::pending;
}

}  // namespace

SimPool::SimPool(Plan plan)
    : plan_(std::move(plan)), scheduler_(plan_.pool), naive_(plan_.pool), random_(plan_.seed * 2 + 1) {
  for (const LaneSpec& lane : plan_.lanes) scheduler_.add_lane(lane);
  waiting_.resize(plan_.lanes.size());
  const std::size_t groups = plan_.pool.groups.size();
  organisations_.resize(groups);
  verdict_.used.resize(groups);
  verdict_.requests.resize(groups);
  verdict_.drawn.resize(groups);
  verdict_.sends_of.resize(groups);
  verdict_.outs.resize(plan_.pool.keys.size());
  unavailable_.resize(plan_.pool.keys.size());
  failed_at_s_.resize(plan_.rows.size(), -1);
  for (std::size_t g = 0; g < groups; ++g) {
    const double phase_s = random() * 60;
    for (std::size_t d = 0; d < 4; ++d) {
      const auto& told = plan_.pool.groups[g].limits[d];
      const auto& limit = plan_.organisations[g].limits[d] ? plan_.organisations[g].limits[d] : told;
      if (!limit) continue;
      organisations_[g].limiters.emplace_back(plan_.organisations[g].limiter, *limit, phase_s,
                                              plan_.organisations[g].largest[d]);
      organisations_[g].counts.push_back(static_cast<Dimension>(d));
    }
  }
  rows_to_come_ = plan_.rows.size();
  verdict_.ends.resize(plan_.rows.size(), End::pending);
  verdict_.ended_at_s.resize(plan_.rows.size(), -1);
  verdict_.first_sent_at_s.resize(plan_.rows.size(), -1);
  for (std::size_t row = 0; row < plan_.rows.size(); ++row) {
    at(start_ + from_seconds(plan_.rows[row].arrives_s), What::row_arrives, row);
  }
}

void SimPool::violated(const std::string& what) {
  if (verdict_.violations.size() < 20) {
    verdict_.violations.push_back(fmt::format("{:.6f} s: {}", now_s() - 3600, what));
  }
}

void SimPool::at(TimePoint when, What what, std::size_t index) {
  events_.push({when, events_made_++, what, index});
}

Cost SimPool::cost_at_start(const RowPlan& row, const OrganisationPlan& plan) const {
  const bool reserves = plan.output_counts == OutputCounts::max_at_start;
  return {.requests = 1,
          .input_tokens = row.actual_input - (plan.cached_input_counts ? 0 : row.cached),
          .output_tokens = reserves ? row.max_output : 0};
}

void SimPool::count_output(std::uint32_t number, double tokens) {
  Organisation& organisation = organisations_[number];
  for (std::size_t i = 0; i < organisation.limiters.size(); ++i) {
    const Dimension dimension = organisation.counts[i];
    if (dimension == Dimension::tokens_per_minute || dimension == Dimension::output_tokens_per_minute) {
      organisation.limiters[i].admit(tokens, now_s());
    }
  }
}

Verdict SimPool::run() {
  while (verdict_.violations.empty() && now_s() - 3600 < plan_.stop_after_s && step()) {
    if (scheduler_.in_flight() != in_flight_) violated("permits out and requests in flight differ");
  }
  if (!verdict_.violations.empty() || now_s() - 3600 >= plan_.stop_after_s) {
    for (Attempt& attempt : attempts_) {  // a permit must be settled
      if (!attempt.dispatch) continue;
      scheduler_.settle(std::move(attempt.dispatch->permit), attempt.dispatch->job,
                        failed(FaultKind::cancelled), now_);
    }
  }
  verdict_.end_s = now_s() - 3600;
  for (const Organisation& organisation : organisations_) {
    std::array<double, 4>& counted = verdict_.counted.emplace_back();
    for (std::size_t i = 0; i < organisation.limiters.size(); ++i) {
      counted[static_cast<std::size_t>(organisation.counts[i])] = organisation.limiters[i].admitted();
    }
  }
  verdict_.figures = scheduler_.figures(now_);
  verdict_.figures.quota = scheduler_.quota_figures(now_);
  return std::move(verdict_);
}

bool SimPool::step() {
  if (rows_to_come_ == 0) scheduler_.close();
  Decision decision = scheduler_.next(now_);
  note(decision.index());
  if (auto* go = std::get_if<Dispatch>(&decision)) {
    dispatched(std::move(*go));
    return true;
  }
  if (auto* gone = std::get_if<Expired>(&decision)) {
    if (plan_.check_work_conservation) std::erase(waiting_[gone->job.lane.value], gone->job.row.value);
    ended(gone->job.row, end_of(gone->why));
    return true;
  }
  if (std::holds_alternative<Drained>(decision)) {
    verdict_.drained = true;
    if (in_flight_ != 0 || rows_to_come_ != 0) violated("drained too early");
    return false;
  }
  TimePoint until = never;
  if (const auto* wait = std::get_if<Wait>(&decision)) {
    until = wait->until;
    if (until <= now_) violated("told to wait for a time that is past");
    if (plan_.check_work_conservation) check_wait(until);
  } else if (rows_to_come_ == 0) {
    verdict_.starved = true;
    return false;
  }
  if (events_.empty() && until == never) {
    violated(fmt::format("stuck with {} rows waiting", scheduler_.waiting()));
    return false;
  }
  if (events_.empty() || until < events_.top().at) {
    now_ = until;
    return true;
  }
  const Event event = events_.top();
  events_.pop();
  now_ = event.at;
  happen(event);
  return true;
}

void SimPool::happen(const Event& event) {
  switch (event.what) {
    case What::row_arrives: {
      const RowPlan& row = plan_.rows[event.index];
      Job job{.row = {static_cast<std::uint32_t>(event.index)}, .lane = row.lane};
      job.input_tokens = row.estimated_input;
      job.max_output_tokens = row.max_output;
      --rows_to_come_;
      if (plan_.check_work_conservation) waiting_[row.lane.value].push_back(event.index);
      scheduler_.submit(job, now_);
      return;
    }
    case What::request_arrives:
      request_arrives(attempts_[event.index]);
      return;
    case What::reply_arrives:
      reply_arrives(event.index);
      return;
  }
}

void SimPool::dispatched(Dispatch&& dispatch) {
  const std::size_t number = attempts_.size();
  const Permit& permit = dispatch.permit;
  const std::size_t row = dispatch.job.row.value;
  note(row * 64 + permit.key().value);
  if (verdict_.ends[row] != End::pending) violated("a row was sent after its end");
  if (verdict_.first_sent_at_s[row] < 0) verdict_.first_sent_at_s[row] = now_s() - 3600;
  if (organisation_of(plan_.pool.keys[permit.key().value].group) != organisation_of(permit.group()))
    violated("a permit names another key's group");
  if (failed_at_s_[row] >= 0) {
    verdict_.slowest_failover_s = std::max(verdict_.slowest_failover_s, now_s() - 3600 - failed_at_s_[row]);
    failed_at_s_[row] = -1;
  }
  verdict_.longest_silence_s = std::max(verdict_.longest_silence_s, now_s() - 3600 - last_send_s_);
  last_send_s_ = now_s() - 3600;
  ++verdict_.sends_of[permit.group().value];
  if (plan_.check_limits) {
    if (!naive_.allows(permit.key(), permit.reserved(), now_)) violated("a limit was passed");
    naive_.admitted(number, permit.group(), permit.key(), permit.reserved(), now_);
  }
  if (plan_.check_work_conservation) std::erase(waiting_[dispatch.job.lane.value], row);
  ++in_flight_;
  ++verdict_.sends;
  attempts_.push_back({std::move(dispatch), {}});
  const double delay_s =
      plan_.send_delay_from_s + random() * (plan_.send_delay_to_s - plan_.send_delay_from_s);
  at(now_ + from_seconds(delay_s), What::request_arrives, number);
}

void SimPool::request_arrives(Attempt& attempt) {
  attempt.outcome = answer(*attempt.dispatch);
  const bool good = !attempt.outcome.fault;
  const double takes_s = good ? plan_.service_s * (0.25 + 1.5 * random()) : 0.05 + 0.2 * random();
  at(now_ + from_seconds(takes_s), What::reply_arrives,
     static_cast<std::size_t>(&attempt - attempts_.data()));
}

std::optional<double> SimPool::refused_for_s(Organisation& organisation, const Cost& cost) {
  const auto units = [&](Dimension dimension) {
    switch (dimension) {
      case Dimension::requests_per_minute:
        return cost.requests;
      case Dimension::tokens_per_minute:
        return cost.input_tokens + cost.output_tokens;
      case Dimension::input_tokens_per_minute:
        return cost.input_tokens;
      default:
        return cost.output_tokens;
    }
  };
  double wait_s = 0;
  for (std::size_t i = 0; i < organisation.limiters.size(); ++i) {
    wait_s = std::max(wait_s, organisation.limiters[i].wait_s(units(organisation.counts[i]), now_s()));
  }
  if (wait_s > 0) return wait_s;
  for (std::size_t i = 0; i < organisation.limiters.size(); ++i) {
    organisation.limiters[i].admit(units(organisation.counts[i]), now_s());
  }
  return std::nullopt;
}

// What happens at an organisation without us: its limits change, others use it.
void SimPool::let_time_pass(Organisation& organisation, const OrganisationPlan& plan) {
  if (plan.limits_change_at_s >= 0 && now_s() - 3600 >= plan.limits_change_at_s && !organisation.changed) {
    organisation.changed = true;
    for (ServerLimiter& limiter : organisation.limiters) {
      limiter.set_limit(limiter.limit() * plan.limits_change_by, now_s());
    }
  }
  constexpr double step_s = 0.5;
  for (; organisation.foreign_until_s < now_s(); organisation.foreign_until_s += step_s) {
    for (ServerLimiter& limiter : organisation.limiters) {
      const double units = limiter.limit() * plan.foreign * step_s / 60;
      if (units > 0 && limiter.wait_s(units, organisation.foreign_until_s) == 0) {
        limiter.admit(units, organisation.foreign_until_s);
      }
    }
  }
}

ServerLimits SimPool::limits_of(Organisation& organisation) {
  ServerLimits limits;
  limits.any = true;
  for (std::size_t i = 0; i < organisation.limiters.size(); ++i) {
    ServerLimiter& limiter = organisation.limiters[i];
    limits[organisation.counts[i]] = {
        .limit = limiter.limit(),
        .remaining = std::clamp(std::floor(limiter.remaining(now_s())), 0.0, limiter.limit()),
        .resets_in = from_seconds(limiter.reset_s(now_s()))};
  }
  return limits;
}

std::uint32_t SimPool::organisation_of(GroupId group) const {
  return plan_.organisations[group.value].same_as.value_or(group.value);
}

Outcome SimPool::answer(const Dispatch& dispatch) {
  const std::uint32_t group = organisation_of(plan_.pool.keys[dispatch.permit.key().value].group);
  const OrganisationPlan& plan = plan_.organisations[group];
  const RowPlan& row = plan_.rows[dispatch.job.row.value];
  const double since_start_s = now_s() - 3600;
  if (since_start_s >= plan.down_from_s && since_start_s < plan.down_to_s)
    return failed(FaultKind::overloaded);
  if (plan.refuses.holds(since_start_s)) return failed(FaultKind::unauthorized);
  if (plan.storm.holds(since_start_s)) {
    ++verdict_.too_many;
    return failed(FaultKind::rate_limited);
  }
  if (plan.day_spent.holds(since_start_s)) {
    Outcome spent = failed(FaultKind::quota_exhausted);
    spent.fault->dimension = Dimension::requests_per_day;
    return spent;
  }
  if (plan_.dead_keys[dispatch.permit.key().value]) return failed(FaultKind::unauthorized);
  if (plan.out_of_credit) return failed(FaultKind::quota_exhausted);
  let_time_pass(organisations_[group], plan);
  const auto minute = static_cast<std::size_t>(since_start_s / 60);
  verdict_.requests_by_minute.resize(std::max(verdict_.requests_by_minute.size(), minute + 1));
  verdict_.too_many_by_minute.resize(verdict_.requests_by_minute.size());
  const Cost cost = cost_at_start(row, plan);
  if (const auto wait_s = refused_for_s(organisations_[group], cost)) {
    ++verdict_.too_many;
    ++verdict_.too_many_by_minute[minute];
    Outcome refused = failed(FaultKind::rate_limited);
    if (plan.names_a_time) refused.fault->retry_after = from_seconds(*wait_s);
    if (plan.says_limits) refused.limits = limits_of(organisations_[group]);
    return refused;
  }
  ++verdict_.drawn[group];
  if (row.poison) return failed(FaultKind::server_error);
  if (row.bad) return failed(FaultKind::bad_request);
  if (random() < plan.fails) return failed(mendable[random_() % mendable.size()]);
  verdict_.used[group] += cost.tokens();
  verdict_.requests[group] += 1;
  ++verdict_.requests_by_minute[minute];
  Outcome good;
  if (plan.says_limits) good.limits = limits_of(organisations_[group]);
  if (since_start_s >= plan.names_itself_from_s) good.limits.organisation = group + 1;
  good.usage.known = true;
  good.usage.input_tokens = static_cast<std::uint64_t>(row.actual_input);
  good.usage.cached_tokens = static_cast<std::uint64_t>(row.cached);
  good.usage.output_tokens = static_cast<std::uint64_t>(row.output);
  return good;
}

void SimPool::reply_arrives(std::size_t index) {
  Attempt& attempt = attempts_[index];
  Dispatch dispatch = std::move(*attempt.dispatch);
  attempt.dispatch.reset();
  --in_flight_;
  const Job job = dispatch.job;
  Cost charge = dispatch.permit.reserved();
  if (attempt.outcome.usage.known) {
    const std::uint32_t group = dispatch.permit.group().value;
    const RowPlan& row = plan_.rows[job.row.value];
    charge.input_tokens = cost_at_start(row, plan_.organisations[group]).input_tokens;
    if (plan_.organisations[group].output_counts == OutputCounts::actual_at_end) {
      charge.output_tokens = row.output;
      count_output(group, row.output);
    }
  }
  if (attempt.outcome.fault) {
    const FaultKind kind = attempt.outcome.fault->kind;
    if (kind == FaultKind::connect || kind == FaultKind::timeout_connect) charge = {.requests = 0};
    if (kind == FaultKind::rate_limited) charge = {.requests = 1};
  }
  if (plan_.check_limits) naive_.settled(index, dispatch.permit.group(), dispatch.permit.key(), charge, now_);
  const Disposition came = scheduler_.settle(std::move(dispatch.permit), job, attempt.outcome, now_);
  note(static_cast<std::uint64_t>(came.next));
  if (plan_.watch_keys) watch_keys();
  if (!attempt.outcome.fault && came.next != Disposition::Next::finished)
    violated("a good answer was not the end");
  if (came.next == Disposition::Next::requeued) {
    if (plan_.check_work_conservation) waiting_[job.lane.value].push_back(job.row.value);
    if (attempt.outcome.fault->kind != FaultKind::rate_limited) failed_at_s_[job.row.value] = now_s() - 3600;
    return;
  }
  if (attempt.outcome.fault && came.next == Disposition::Next::finished)
    violated("a fault was taken for an answer");
  ended(job.row, end_of(came.why));
}

void SimPool::watch_keys() {
  const PoolFigures figures = scheduler_.figures(now_);
  for (std::size_t key = 0; key < figures.keys.size(); ++key) {
    const bool out = figures.keys[key].state == KeyState::unavailable;
    verdict_.outs[key] += out && !unavailable_[key];
    unavailable_[key] = out;
  }
}

void SimPool::ended(RowId row, End end) {
  note(row.value * 8 + static_cast<std::uint64_t>(end));
  if (verdict_.ends[row.value] != End::pending) violated("a row ended twice");
  verdict_.ends[row.value] = end;
  verdict_.ended_at_s[row.value] = now_s() - 3600;
}

std::string SimPool::what_fits(TimePoint when) const {
  if (in_flight_ >= plan_.pool.settings.max_in_flight) return {};
  for (std::size_t lane = 0; lane < waiting_.size(); ++lane) {
    const std::size_t seen = std::min<std::size_t>(waiting_[lane].size(), plan_.pool.settings.look_ahead);
    for (std::size_t i = 0; i < seen; ++i) {
      const RowPlan& row = plan_.rows[waiting_[lane][i]];
      const Cost cost{.requests = 1, .input_tokens = row.estimated_input, .output_tokens = row.max_output};
      for (const Candidate& candidate : plan_.lanes[lane].candidates) {
        if (naive_.surely_fits(candidate.key, cost, when)) {
          return fmt::format("row {} on key {} at {:.6f} s", waiting_[lane][i], candidate.key.value,
                             seconds(when - start_));
        }
      }
    }
  }
  return {};
}

// No row may wait while it could go, neither now nor at any time before the scheduler wants to be asked
// again.
void SimPool::check_wait(TimePoint until) {
  const auto check = [&](TimePoint when) {
    const std::string fits = what_fits(when);
    if (!fits.empty()) violated("told to wait, but this fits: " + fits);
  };
  check(now_);
  if (until == never || (!events_.empty() && until > events_.top().at)) return;
  check(now_ + (until - now_) / 2);
  check(std::max(now_, until - std::chrono::milliseconds(1)));
}

}  // namespace batchrun::sim

#include "pool/scheduler.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <utility>

#include "pool/invariant.h"
#include "pool/key_pool.h"
#include "pool/lane.h"
#include "pool/loss_watch.h"
#include "pool/pricing.h"
#include "pool/row_mix.h"

namespace batchrun {
namespace {

// Nothing reached the provider, so nothing was charged.
bool never_sent(FaultKind kind) {
  return kind == FaultKind::connect || kind == FaultKind::tls || kind == FaultKind::timeout_connect;
}

std::uint64_t counted_input(const Usage& usage, const Charging& charging) {
  return usage.input_tokens -
         (charging.cached_input_free ? std::min(usage.cached_tokens, usage.input_tokens) : 0);
}

// What the provider charged, as far as we can know. A failed request is charged like a good one (OpenAI
// rate-limit guide: "unsuccessful requests contribute to your per-minute limit"), but one that was refused
// for its limit drew no tokens; without usage the reservation stands.
Cost charged(const Permit& permit, const Outcome& outcome, const Charging& charging) {
  if (outcome.fault && never_sent(outcome.fault->kind)) return {.requests = 0};
  if (outcome.fault && outcome.fault->kind == FaultKind::rate_limited) return {.requests = 1};
  Cost cost = permit.reserved();
  if (!outcome.usage.known) return cost;
  const Usage& usage = outcome.usage;
  if (usage.input_tokens > 0) cost.input_tokens = static_cast<double>(counted_input(usage, charging));
  if (charging.output == Charging::Output::produced) {
    cost.output_tokens = static_cast<double>(usage.output_tokens);
  }
  return cost;
}

constexpr Duration longest_spent_day = std::chrono::hours(25);  // one on which clocks are set back

constexpr std::size_t fewest_to_price = 64;  // rows that wait
constexpr int sweeps_at_first = 300, sweeps_anew = 120, sweeps_for_figures = 300;
constexpr std::uint64_t asks_per_sweep = 32;
constexpr std::size_t uses_per_slice = 50'000;  // about a millisecond
constexpr Duration slice_interval = std::chrono::milliseconds(1);
constexpr std::size_t uses_for_live_figures = 2 * uses_per_slice;
// Longer by as much again for so many uses: with 200 groups and 150 kinds of rows, every third second.
constexpr Duration figures_interval = std::chrono::seconds(1);
constexpr std::size_t uses_per_interval = 20'000;
// They may be as old as this part of the time they tell of: a run may wait for a day to turn.
constexpr int figures_age = 60;
constexpr Duration shortest_for_figures = std::chrono::seconds(60);  // a first second's burst weighs too much
constexpr Duration price_interval_min = std::chrono::milliseconds(250);
constexpr Duration price_interval_max = std::chrono::seconds(5);

// What a request was charged that has to be sent again served nothing.
std::optional<LossCause> wasted_by(const Outcome& outcome) {
  if (!outcome.fault || !traits(outcome.fault->kind).retryable) return std::nullopt;
  return outcome.fault->kind == FaultKind::rate_limited ? LossCause::foreign : LossCause::outage;
}

constexpr Disposition finished{Disposition::Next::finished};
constexpr Disposition requeued{Disposition::Next::requeued};
constexpr Disposition given_up(GiveUp why) {
  return {Disposition::Next::given_up, why};
}

}  // namespace

struct Scheduler::Impl {
  explicit Impl(const PoolSpec& spec)
      : settings(spec.settings),
        pool(spec, settings),
        watch(pool),
        retry(settings.backoff_base, settings.backoff_max),
        random(settings.seed) {}

  // A lane and what its last "nothing may go" rests on.
  struct Seat {
    Lane lane;
    RowMix submitted{}, waiting{}, admitted{};  // a row that is sent again is not admitted again
    bool active = false;                        // rows wait in it
    TimePoint blocked_until = TimePoint::min();
    std::uint64_t pool_changes = 0;
  };

  void activate(LaneId id);
  void deactivate_if_empty(LaneId id);
  bool blocked(const Seat& seat, TimePoint now) const {
    return seat.pool_changes == pool.changes() && now < seat.blocked_until;
  }
  void submit(Job job, TimePoint now);
  void requeue(const Job& job, bool budgeted);

  Decision next(TimePoint now);
  Decision ask_lanes_by_price(TimePoint now);
  void begin_pricing(TimePoint now);
  void go_on_pricing(int sweeps, TimePoint now);
  bool ended() const { return in_flight == 0 && (stopped || (closed && waiting == 0)); }
  void note_time(TimePoint now);
  void watch_losses(TimePoint now);
  std::optional<QuotaFigures> quota_figures(TimePoint now);
  std::optional<QuotaFigures> work_out_figures(TimePoint until, bool last);
  void merge_if_shared(const Permit& permit, const ServerLimits& limits, TimePoint now);
  void merge(GroupId into, GroupId from, GroupMerge::Reason reason, TimePoint now,
             std::optional<std::chrono::sys_seconds> found_on = {});
  void merge_known(TimePoint now);
  void find_overaged(TimePoint now);
  bool life_is_over(Lane& lane, const Job& job, TimePoint now);
  Decision ask_lanes(TimePoint now);
  Expired expire_dead(Seat& seat);
  Dispatch dispatch(const Lane::Admission& go, TimePoint now);
  bool any_key_alive() const;

  Disposition settle(const Permit& permit, Job job, const Outcome& outcome, TimePoint now, Again again);
  void account(const Permit& permit, const Job& job, const Outcome& outcome, TimePoint now);
  bool blame(const Permit& permit, Job& job, const Fault& fault, TimePoint now);
  Disposition decide(const Permit& permit, Job& job, const Fault& fault, bool counts, TimePoint now,
                     Again again);
  double share() { return static_cast<double>(random() >> 11) * 0x1p-53; }  // even in [0, 1)

  PoolSettings settings;
  KeyPool pool;
  LossWatch watch;
  bool was_asked = false;                // what to do, since the watch was last told of the time
  std::unique_ptr<Pricing> run_pricing;  // of the last figures
  std::optional<QuotaFigures> quota;     // the last
  TimePoint quota_due = TimePoint::min();
  const RetryPolicy retry;
  std::mt19937_64 random;
  std::deque<Seat> seats;           // by LaneId
  std::vector<LaneId> active;       // lanes in which rows wait; they take turns
  std::size_t turn = 0;             // in `active`
  std::deque<Expired> expired;      // to be handed out
  TimePoint next_deadline = never;  // a bound from below for all lanes
  std::size_t waiting = 0;          // `expired` included
  std::uint64_t submits = 0;
  TimePoint price_at = TimePoint::min();  // when the next prices are due
  std::uint64_t priced_submits = 0;       // when they were last made
  std::optional<Pricing> pricing;         // being made
  int sweeps_left = 0;
  std::uint64_t asked_while_pricing = 0;
  TimePoint first_send = never, last_end = TimePoint::min();
  std::size_t in_flight = 0;
  std::uint64_t retries = 0;
  bool closed = false;
  bool stopped = false;
};

void Scheduler::Impl::activate(LaneId id) {
  Seat& seat = seats[id.value];
  next_deadline = std::min(next_deadline, seat.lane.queue().next_deadline());
  if (std::exchange(seat.active, true)) return;
  active.push_back(id);
}

void Scheduler::Impl::deactivate_if_empty(LaneId id) {
  Seat& seat = seats[id.value];
  if (!seat.active || !seat.lane.queue().empty()) return;
  seat.active = false;
  const auto place = std::find(active.begin(), active.end(), id) - active.begin();
  active.erase(active.begin() + place);
  if (turn > static_cast<std::size_t>(place)) --turn;
}

void Scheduler::Impl::submit(Job job, TimePoint now) {
  require(!closed, "a row was submitted after close()");
  require(job.lane.value < seats.size(), "a row of a lane that does not exist");
  note_time(now);
  job.submitted_at = now;
  ++waiting;
  ++submits;
  Seat& seat = seats[job.lane.value];
  if (seat.lane.exceeds_every_window(job)) {
    expired.push_back({job, GiveUp::exceeds_window, {}});
    return;
  }
  if (seat.lane.queue().window() < settings.look_ahead) seat.blocked_until = TimePoint::min();
  seat.submitted.add(job);
  seat.waiting.add(job);
  seat.lane.queue().push(job);
  activate(job.lane);
}

void Scheduler::Impl::requeue(const Job& job, bool budgeted) {
  Seat& seat = seats[job.lane.value];
  seat.lane.queue().push_again(job, budgeted);
  seat.waiting.add(job);
  seat.blocked_until = TimePoint::min();
  activate(job.lane);
  ++waiting;
  ++retries;
}

void Scheduler::Impl::find_overaged(TimePoint now) {
  if (now < next_deadline) return;
  next_deadline = never;
  for (const LaneId id : std::vector(active)) {
    Lane& lane = seats[id.value].lane;
    while (const auto job = lane.take_overaged(now)) {
      if (!life_is_over(lane, *job, now)) {
        lane.queue().push_again(*job, false);
        continue;
      }
      seats[id.value].waiting.remove(*job);
      auto spent_day = lane.last_spent_day(*job, now);
      if (spent_day && spent_day->until <= now) spent_day.reset();
      expired.push_back({*job, GiveUp::deadline, spent_day});
    }
    next_deadline = std::min(next_deadline, lane.queue().next_deadline());
    deactivate_if_empty(id);
  }
}

// Unless its end is firm, a row that had to wait for a day's quota has a whole life once that is back.
bool Scheduler::Impl::life_is_over(Lane& lane, const Job& job, TimePoint now) {
  if (lane.queue().deadline(job) > now) return false;
  if (settings.row_deadline_is_firm) return true;
  if (const auto spent_day = lane.last_spent_day(job, now)) {
    lane.queue().count_lives_from(std::min(spent_day->until, now + longest_spent_day));
  }
  return lane.queue().deadline(job) <= now;
}

bool Scheduler::Impl::any_key_alive() const {
  return std::any_of(seats.begin(), seats.end(), [](const Seat& seat) { return seat.lane.keys_alive(); });
}

Decision Scheduler::Impl::next(TimePoint now) {
  note_time(now);
  was_asked = true;
  if (stopped) return in_flight == 0 ? Decision(Drained{}) : Decision(Wait{never});
  find_overaged(now);
  if (!expired.empty()) {
    const Expired first = expired.front();
    expired.pop_front();
    --waiting;
    return first;
  }
  if (active.empty()) {
    return closed && in_flight == 0 ? Decision(Drained{}) : Decision(Wait{never});
  }
  if (in_flight >= settings.max_in_flight) return Wait{next_deadline};
  return settings.strategy == Strategy::saturate ? ask_lanes_by_price(now) : ask_lanes(now);
}

// Prices are made anew every few seconds, sooner near the end of the rows, and when many more have come.
void Scheduler::Impl::begin_pricing(TimePoint now) {
  const bool many_more = submits >= 4 * priced_submits && submits >= fewest_to_price;
  if (pricing || (now < price_at && !many_more)) return;
  price_at = now + price_interval_max;
  priced_submits = submits;
  if (waiting < fewest_to_price) {
    for (Seat& seat : seats) seat.lane.plan().clear();
    return;
  }
  std::vector<LaneRows> work;
  work.reserve(seats.size());
  for (Seat& seat : seats) {
    RowMix& rows = work.emplace_back(LaneRows{&seat.lane, seat.waiting}).rows;
    if (!closed) rows.add(seat.submitted);  // what is still to come will be like what came
  }
  pricing.emplace(pool, std::move(work), Pricing::Scope::from_now, now);
  sweeps_left = pricing->known() ? sweeps_anew : sweeps_at_first;
}

void Scheduler::Impl::go_on_pricing(int sweeps, TimePoint now) {
  sweeps = std::min(sweeps, sweeps_left);
  pricing->bound().improve(sweeps);
  sweeps_left -= sweeps;
  if (sweeps_left > 0 && !pricing->bound().done()) return;
  pricing->publish();
  pool.changed();
  price_at =
      now + std::clamp(from_seconds(pricing->bound().below() / 20), price_interval_min, price_interval_max);
  pricing.reset();
}

// A little of the work with every few rows, more of it when there is nothing else to do.
Decision Scheduler::Impl::ask_lanes_by_price(TimePoint now) {
  begin_pricing(now);
  if (pricing && ++asked_while_pricing % asks_per_sweep == 0) go_on_pricing(1, now);
  Decision decision = ask_lanes(now);
  auto* wait = std::get_if<Wait>(&decision);
  if (wait == nullptr) return decision;
  if (pricing) {
    go_on_pricing(1 + static_cast<int>(uses_per_slice / (1 + pricing->bound().size())), now);
    if (pricing) {
      wait->until = std::min(wait->until, now + slice_interval);
      return decision;
    }
    decision = ask_lanes(now);
    wait = std::get_if<Wait>(&decision);
  }
  if (wait != nullptr && waiting >= fewest_to_price) wait->until = std::min(wait->until, price_at);
  return decision;
}

Decision Scheduler::Impl::ask_lanes(TimePoint now) {
  TimePoint until = next_deadline;
  bool all_dead = true;
  for (std::size_t asked = 0; asked < active.size(); ++asked) {
    if (turn >= active.size()) turn = 0;
    Seat& seat = seats[active[turn++].value];
    if (blocked(seat, now)) {
      all_dead = false;
      until = std::min(until, seat.blocked_until);
      continue;
    }
    Lane::Turn came = seat.lane.next(now);
    if (auto* admission = std::get_if<Lane::Admission>(&came)) return dispatch(*admission, now);
    if (auto* gone = std::get_if<Expired>(&came)) {
      --waiting;
      seat.waiting.remove(gone->job);
      deactivate_if_empty(gone->job.lane);
      return *gone;
    }
    if (std::holds_alternative<Lane::Dead>(came)) {
      if (any_key_alive()) return expire_dead(seat);
      continue;
    }
    all_dead = false;
    seat.blocked_until = std::get<Lane::Blocked>(came).until;
    seat.pool_changes = pool.changes();
    until = std::min(until, seat.blocked_until);
  }
  if (all_dead && in_flight == 0) return Starved{};
  return Wait{until};
}

Expired Scheduler::Impl::expire_dead(Seat& seat) {
  const Job job = seat.lane.queue().take_any();
  --waiting;
  seat.waiting.remove(job);
  deactivate_if_empty(job.lane);
  return {job, GiveUp::no_candidate, {}};
}

Dispatch Scheduler::Impl::dispatch(const Lane::Admission& go, TimePoint now) {
  Seat& seat = seats[go.job.lane.value];
  pool.take(go.candidate.key, go.cost, go.job.row, now);
  if (go.ends_hold) seat.lane.release_hold(now);
  --waiting;
  ++in_flight;
  seat.waiting.remove(go.job);
  if (go.job.sends == 0) seat.admitted.add(go.job);
  if (first_send == never) {
    first_send = now;
    watch.begin(now);
  }
  pool.note_sent(go.group, go.candidate.model, go.cost, now);
  watch.taken(go.group, go.cost);
  deactivate_if_empty(go.job.lane);
  return {go.job, Permit(go.candidate.key, go.group, go.candidate.model, now, go.cost,
                         pool.group(go.group).window(now))};
}

// What the attempt tells about budgets and figures, whatever comes of the row.
void Scheduler::Impl::account(const Permit& permit, const Job& job, const Outcome& outcome, TimePoint now) {
  PoolKey& key = pool.key(permit.key());
  const GroupId group_id = pool.now(permit.group());
  QuotaGroup& group = pool.group(group_id);
  if (key.full()) pool.changed();
  require(key.in_flight > 0 && in_flight > 0, "more settled than sent");
  --key.in_flight;
  --in_flight;
  last_end = std::max(last_end, now);
  pool.note_service(group_id, now - permit.admitted_at());
  key.input_tokens += outcome.usage.input_tokens;
  key.output_tokens += outcome.usage.output_tokens;
  seats[job.lane.value].lane.learn(permit, job, outcome.usage);
  const Cost actual = charged(permit, outcome, group.charging());
  const bool refused = outcome.fault && outcome.fault->kind == FaultKind::rate_limited;
  if (group.settle(permit.reserved(), actual, permit.admitted_at(), now, refused)) pool.changed();
  watch.settled(permit.group(), permit.reserved(), actual, wasted_by(outcome));
  group.observe(outcome.limits, permit.window(), permit.admitted_at(), now);
  pool.note_charged(permit, actual);
  if (!outcome.fault) merge_if_shared(permit, outcome.limits, now);
}

void Scheduler::Impl::merge_if_shared(const Permit& permit, const ServerLimits& limits, TimePoint now) {
  for (const KeyPool::Same& same : pool.shares_quota_with(permit, limits)) {
    const GroupId into = pool.now(same.group), from = pool.now(permit.group());
    if (pool.may_merge(into, from)) merge(into, from, same.reason, now);
  }
}

// Lanes and prices are about groups, and begin anew.
void Scheduler::Impl::merge(GroupId into, GroupId from, GroupMerge::Reason reason, TimePoint now,
                            std::optional<std::chrono::sys_seconds> found_on) {
  pool.merge(into, from, reason, now, found_on);
  watch.merged(from);
  for (Seat& seat : seats) seat.lane.regroup(now);
  pricing.reset();
  price_at = TimePoint::min();
}

void Scheduler::Impl::merge_known(TimePoint now) {
  for (const KeyPool::Known& known : pool.take_known_merges()) {
    const GroupId into = pool.now(known.into), from = pool.now(known.from);
    if (pool.may_merge(into, from)) merge(into, from, GroupMerge::Reason::earlier_run, now, known.on);
  }
}

// What a fault does to key and group. Returns whether it may count as an attempt of the row.
bool Scheduler::Impl::blame(const Permit& permit, Job& job, const Fault& fault, TimePoint now) {
  PoolKey& key = pool.key(permit.key());
  key.last_fault = fault.kind;
  ++(fault.kind == FaultKind::rate_limited ? key.rate_limited : key.faults);

  const FaultTraits fault_traits = traits(fault.kind);
  if (fault_traits.blames_key) return pool.failed(permit.key(), job, fault_traits.counts_attempt, now);
  if (fault_traits.retires_key) {
    pool.refused(permit.key(), job.row, now);
    return true;
  }
  if (fault.kind == FaultKind::cancelled) {
    pool.abandoned(permit.key(), job.row, now);
    return true;
  }
  pool.answered(permit.key(), job.row);
  if (fault.kind == FaultKind::rate_limited) {
    pool.rate_limited(permit.key(), fault, permit.admitted_at(), now, share());
  } else if (fault.kind == FaultKind::quota_exhausted) {
    pool.quota_gone(pool.now(permit.group()), fault, now);
  } else if (fault.kind == FaultKind::model_unavailable) {
    seats[job.lane.value].lane.exclude(permit.key(), permit.model());
  }
  return true;
}

Disposition Scheduler::Impl::decide(const Permit& permit, Job& job, const Fault& fault, bool counts,
                                    TimePoint now, Again again) {
  const FaultTraits fault_traits = traits(fault.kind);
  if (!fault_traits.retryable) return given_up(GiveUp::permanent);
  if (fault.kind == FaultKind::exceeds_window && seats[job.lane.value].lane.groups() == 1) {
    return given_up(GiveUp::exceeds_window);
  }
  if (fault_traits.counts_attempt && counts) ++job.attempts;
  if (job.attempts >= settings.max_attempts) return given_up(GiveUp::attempts_spent);
  if (life_is_over(seats[job.lane.value].lane, job, now)) return given_up(GiveUp::deadline);
  job.last_key = permit.key();
  if (again == Again::hand_back) return {Disposition::Next::handed_back, GiveUp::none, job};
  job.not_before = now;
  if (fault_traits.blames_key) job.not_before += retry.pause(job.attempts, share());
  requeue(job, fault_traits.blames_key);
  return requeued;
}

Disposition Scheduler::Impl::settle(const Permit& permit, Job job, const Outcome& outcome, TimePoint now,
                                    Again again) {
  require(job.lane.value < seats.size(), "a row of a lane that does not exist");
  note_time(now);
  ++job.sends;
  account(permit, job, outcome, now);
  if (outcome.fault) {
    const bool counts = blame(permit, job, *outcome.fault, now);
    return decide(permit, job, *outcome.fault, counts, now, again);
  }
  pool.succeeded(permit.key(), job.row, permit.admitted_at());
  pool.group(pool.now(permit.group())).succeeded(permit.admitted_at());
  return finished;
}

void Scheduler::Impl::note_time(TimePoint now) {
  if (pool.knows_merges()) merge_known(now);
  if (first_send != never && watch.due(now) && !ended()) watch_losses(now);
}

void Scheduler::Impl::watch_losses(TimePoint now) {
  std::vector<Lane*> lanes;
  for (const LaneId id : active) lanes.push_back(&seats[id.value].lane);
  watch.pass(lanes,
             {.waiting = waiting > 0 && !stopped,
              .ended = closed || stopped,
              .held_up = in_flight >= settings.max_in_flight || !was_asked},
             now);
  was_asked = false;
}

std::optional<QuotaFigures> Scheduler::Impl::quota_figures(TimePoint now) {
  const bool last = ended();
  const TimePoint until = last ? last_end : now;
  if (until < first_send || until - first_send < shortest_for_figures) return std::nullopt;
  if (last || now >= quota_due) {
    quota = work_out_figures(until, last);
    const Duration by_size =
        figures_interval * (1 + static_cast<int>(run_pricing->bound().size() / uses_per_interval));
    quota_due = now + std::max(by_size, (until - first_send) / figures_age);
  }
  return quota;
}

std::optional<QuotaFigures> Scheduler::Impl::work_out_figures(TimePoint until, bool last) {
  watch_losses(until);
  std::vector<LaneRows> work;
  for (Seat& seat : seats) work.push_back({&seat.lane, seat.admitted});
  run_pricing =
      std::make_unique<Pricing>(pool, std::move(work), Pricing::Scope::whole_run, until, run_pricing.get());
  QuotaBound& bound = run_pricing->bound();
  const std::size_t affordable = 1 + uses_for_live_figures / (1 + bound.size());
  bound.improve(last ? sweeps_for_figures
                     : static_cast<int>(std::min<std::size_t>(affordable, sweeps_for_figures)));
  const auto bottleneck = run_pricing->bottleneck();
  if (!bottleneck) return std::nullopt;
  QuotaFigures figures;
  figures.took = until - first_send;
  figures.least = from_seconds(bound.below());
  figures.group = pool.group(bottleneck->group).name();
  figures.dimension = bottleneck->dimension;
  figures.share = run_pricing->used_share(*bottleneck, figures.took);
  figures.lost = run_pricing->losses(watch, figures.took);
  return figures;
}

Scheduler::Scheduler(const PoolSpec& spec) : impl_(std::make_unique<Impl>(spec)) {}
Scheduler::~Scheduler() = default;

LaneId Scheduler::add_lane(LaneSpec lane) {
  const LaneId id{static_cast<std::uint32_t>(impl_->seats.size())};
  impl_->seats.push_back({.lane = Lane(id, lane, impl_->pool, impl_->settings)});
  return id;
}

void Scheduler::submit(Job job, TimePoint now) {
  impl_->submit(job, now);
}

Decision Scheduler::next(TimePoint now) {
  return impl_->next(now);
}

Disposition Scheduler::settle(Permit&& permit, Job job, const Outcome& outcome, TimePoint now, Again again) {
  permit.consume();
  return impl_->settle(permit, job, outcome, now, again);
}

void Scheduler::set_strategy(Strategy strategy) {
  impl_->settings.strategy = strategy;
  impl_->pool.changed();
}

void Scheduler::close() {
  impl_->closed = true;
}

void Scheduler::stop() {
  impl_->stopped = true;
}

std::size_t Scheduler::waiting() const {
  return impl_->waiting;
}

std::size_t Scheduler::in_flight() const {
  return impl_->in_flight;
}

std::optional<QuotaFigures> Scheduler::quota_figures(TimePoint now) {
  return impl_->quota_figures(now);
}

PoolFigures Scheduler::figures(TimePoint now) const {
  return {.keys = impl_->pool.key_figures(now),
          .groups = impl_->pool.group_figures(now),
          .waiting = impl_->waiting,
          .in_flight = impl_->in_flight,
          .retries = impl_->retries,
          .merges = impl_->pool.merges(),
          .quota = {}};
}

std::vector<GroupHistory> Scheduler::take_history() {
  return impl_->pool.take_history();
}

}  // namespace batchrun

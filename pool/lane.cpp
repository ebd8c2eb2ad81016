#include "pool/lane.h"

#include <algorithm>
#include <limits>
#include <set>

#include "pool/invariant.h"

namespace batchrun {
namespace {

// A number in [0, 2^64) that depends on `seed` and on nothing else (the finalizer of splitmix64).
std::uint64_t mixed(std::uint64_t seed) {
  seed += 0x9e3779b97f4a7c15U;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9U;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebU;
  return seed ^ (seed >> 31);
}

}  // namespace

Lane::Lane(LaneId id, const LaneSpec& spec, KeyPool& pool, const PoolSettings& settings)
    : id_(id), pool_(pool), settings_(settings), queue_(settings), deaths_seen_(pool.deaths() - 1) {
  std::set<GroupId> groups;
  for (const Candidate& candidate : spec.candidates) {
    require(candidate.key.value < pool.size(), "a candidate whose key does not exist");
    PoolKey& key = pool.key(candidate.key);
    groups.insert(key.group);
    const std::size_t option = option_for(key.group, candidate.model);
    options_[option].choices.push_back(choices_.size());
    choices_.push_back({candidate.key, key.tier, &key, option, false});
    lowest_tier_ = std::min(lowest_tier_, key.tier);
  }
  require(!choices_.empty(), "a lane without candidates");
  groups_ = groups.size();
  open_.reserve(options_.size());
}

std::size_t Lane::option_for(GroupId group, std::uint32_t model) {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& option) {
    return option.group == group && option.model == model;
  });
  if (found == options_.end()) {
    options_.push_back(
        {.group = group, .quota = &pool_.group(group), .model = model, .estimate = &estimates_[model]});
    return options_.size() - 1;
  }
  return static_cast<std::size_t>(found - options_.begin());
}

bool Lane::alive() {
  if (deaths_seen_ == pool_.deaths()) return alive_;
  deaths_seen_ = pool_.deaths();
  alive_ = false;
  for (Option& option : options_) option.alive = false;
  for (const Choice& choice : choices_) {
    if (choice.excluded || !pool_.alive(choice.key)) continue;
    options_[choice.option].alive = true;
    alive_ = true;
  }
  return alive_;
}

bool Lane::keys_alive() const {
  return std::any_of(choices_.begin(), choices_.end(),
                     [&](const Choice& choice) { return pool_.alive(choice.key); });
}

void Lane::exclude(KeyId key, std::uint32_t model) {
  for (Choice& choice : choices_) {
    if (choice.key == key && options_[choice.option].model == model) choice.excluded = true;
  }
  pool_.died();
}

void Lane::learn(const Permit& permit, const Job& job, const Usage& usage) {
  if (!usage.known) return;
  Estimate& estimate = estimates_[permit.model()];
  estimate.learn_input(job.input_tokens, static_cast<double>(usage.input_tokens),
                       static_cast<double>(usage.cached_tokens));
  estimate.learn_output(static_cast<double>(usage.output_tokens));
}

Cost Lane::cost_of(double input_tokens, double max_output_tokens, const Option& option) const {
  if (option.quota->charging().output != Charging::Output::produced) {
    return expected_cost(input_tokens, max_output_tokens, option);
  }
  const std::uint32_t in_flight = option.quota->in_flight() + 1;
  return with_output(input_tokens, option.estimate->output_reserve(max_output_tokens, in_flight), option);
}

Cost Lane::expected_cost(double input_tokens, double max_output_tokens, const Option& option) const {
  switch (option.quota->charging().output) {
    case Charging::Output::reserved:
      return with_output(input_tokens, Estimate::whole(max_output_tokens), option);
    case Charging::Output::produced:
      return with_output(input_tokens, option.estimate->output(max_output_tokens), option);
    case Charging::Output::free:
      return with_output(input_tokens, 0, option);
  }
  broken_invariant("a way to charge output without a cost");
}

Cost Lane::with_output(double input_tokens, double output_tokens, const Option& option) const {
  const Estimate& estimate = *option.estimate;
  Cost cost{.requests = 1,
            .input_tokens = option.quota->charging().cached_input_free ? estimate.uncached_input(input_tokens)
                                                                       : estimate.input(input_tokens),
            .output_tokens = output_tokens};
  // What was learned from other rows must not make a row impossible that may well fit: let the server say so.
  if (!option.quota->exceeds(cost)) return cost;
  if (estimate.ratio() > 1) cost.input_tokens = Estimate::plain_input(input_tokens);
  if (option.quota->charging().output == Charging::Output::produced) {
    const Room& most = option.quota->most();
    cost.output_tokens = std::clamp(most.tokens - cost.input_tokens, 0.0, cost.output_tokens);
    cost.output_tokens = std::min(cost.output_tokens, most.output_tokens);
  }
  return cost;
}

bool Lane::exceeds_every_window(const Job& job) {
  if (!alive()) return false;
  return std::all_of(options_.begin(), options_.end(), [&](const Option& option) {
    return !option.alive || option.quota->exceeds(cost_of(job, option));
  });
}

std::optional<SpentDay> Lane::spent_day(const Job& job, TimePoint now) {
  std::optional<SpentDay> first;
  if (!alive()) return first;
  for (const Option& option : options_) {
    const Cost cost = cost_of(job, option);
    if (!option.alive || option.quota->exceeds(cost)) continue;
    const auto spent = option.quota->spent_day(cost, now);
    if (!spent) return std::nullopt;
    if (!first || spent->until < first->until) first = {option.group, spent->dimension, spent->until};
  }
  return first;
}

// When circuits keep every key out, one probe at a time tests the water.
bool Lane::may_probe() {
  if (may_probe_) return *may_probe_;
  bool works = false, probing = false;
  for (const Choice& choice : choices_) {
    if (choice.excluded || !pool_.alive(choice.key)) continue;
    works = works || choice.pool_key->breaker.closed();
    probing = probing || choice.pool_key->breaker.probing();
  }
  may_probe_ = works || !probing;
  return *may_probe_;
}

bool Lane::usable(const Choice& choice, TimePoint now) {
  const PoolKey& key = *choice.pool_key;
  if (choice.excluded || key.full()) return false;
  return key.breaker.closed() || (key.ready_at() <= now && may_probe());
}

TimePoint Lane::usable_at(const Option& option) {
  TimePoint when = never;
  for (const std::size_t place : option.choices) {
    const Choice& choice = choices_[place];
    const PoolKey& key = *choice.pool_key;
    if (choice.excluded || key.full()) continue;
    if (key.breaker.closed()) return TimePoint::min();
    if (may_probe()) when = std::min(when, key.ready_at());
  }
  return when;
}

// Finds the options that could take some row now, and when others could.
void Lane::survey(TimePoint now) {
  open_.clear();
  opens_at_ = never;
  short_of_room_ = false;
  may_probe_.reset();
  for (Option& option : options_) {
    QuotaGroup& quota = *option.quota;
    if (!option.alive || quota.full() || (quota.held_by() && *quota.held_by() != id_)) continue;
    if (known_full(option, now)) continue;
    const TimePoint when = std::max(quota.gate(now), usable_at(option));
    if (when > now) {
      opens_at_ = std::min(opens_at_, when);
    } else if (has_room(option, now)) {
      open_.push_back(&option);
    }
  }
}

// Whether the last look still holds: no room for the smallest row until later.
bool Lane::known_full(const Option& option, TimePoint now) {
  if (option.quota == held_ || option.no_room_version != option.quota->version()) return false;
  if (now >= option.no_room_until || !(option.no_room_for == least_cost(option))) return false;
  note_full(option.no_room_until);
  return true;
}

void Lane::note_full(TimePoint until) {
  short_of_room_ = true;
  opens_at_ = std::min(opens_at_, until);
}

Cost Lane::least_cost(const Option& option) const {
  const LaneQueue::Bounds least = queue_.least();
  return cost_of(least.input_tokens, least.max_output_tokens, option);
}

// Whether there may be room for a row of the look-ahead; if not for the smallest, then not for any.
bool Lane::has_room(Option& option, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  if (!quota.limited()) return true;
  const Cost cost = least_cost(option);
  if (option.quota == held_) return has_room_beside_first(option, cost, now);
  option.room = quota.room(now);
  if (option.room.holds(cost)) return true;
  option.no_room_for = cost;
  option.no_room_version = quota.version();
  option.no_room_until = quota.ready_at(cost, now);
  note_full(option.no_room_until);
  return false;
}

// The same of a group that saves up for the first row: others may only have what the first will not need.
bool Lane::has_room_beside_first(Option& option, const Cost& least, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  const Cost first = cost_of(queue_.at(0), option);
  const TimePoint when = quota.ready_at(first, now);
  option.room = when <= now ? quota.room(now) : quota.room_beside(first, when, now);
  if (option.room.holds(least)) return true;
  note_full(when);
  return false;
}

// A lot for each key, drawn anew for each row sent.
double Lane::draw(KeyId key) const {
  const std::uint64_t lot = (settings_.seed << 40) ^ (std::uint64_t{key.value} << 8) ^ id_.value;
  return static_cast<double>(mixed(mixed(lot) + sent_) >> 11);
}

Lane::Rank Lane::rank(std::size_t number, const Job& job, double group_load) const {
  const Choice& choice = choices_[number];
  const PoolKey& key = *choice.pool_key;
  const bool again = job.sends > 0;
  Rank rank{.same_key = again && choice.key == job.last_key,
            .tier = choice.tier,
            .same_group = again && key.group == pool_.key(job.last_key).group,
            .load = 0,
            .in_flight = 0,
            .turns = number >= turn_ ? number - turn_ : number + choices_.size() - turn_};
  switch (settings_.strategy) {
    case Strategy::saturate:
    case Strategy::least_loaded:
      rank.load = std::max(group_load, key.load());
      rank.in_flight = key.in_flight;
      break;
    case Strategy::round_robin:
      break;
    case Strategy::lru:
      rank.load = static_cast<double>(key.used_at);
      break;
    case Strategy::weighted:
      rank.load = key.turn;
      break;
    case Strategy::random:
      rank.load = draw(choice.key);
      break;
    case Strategy::least_used:
      rank.load = static_cast<double>(key.sends);
      break;
  }
  return rank;
}

// The best key for row `place` among those that can take it now.
std::optional<Lane::Pick> Lane::choose(std::size_t place, TimePoint now) {
  const Job& job = queue_.at(place);
  std::optional<Pick> best;
  Rank best_rank{};
  // From the option whose turn it is: where an idle key is as good as any other, the search ends with it.
  const Option* const turn = &options_[choices_[turn_].option];
  const auto start = std::lower_bound(open_.begin(), open_.end(), turn) - open_.begin();
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const Option* option = open_[(static_cast<std::size_t>(start) + i) % open_.size()];
    if (!may_take(*option, place)) continue;
    const Cost cost = cost_of(job, *option);
    if (option->quota->limited() && !option->room.holds(cost)) continue;
    Rank its_rank{};
    const auto pick = best_key(*option, job, now, its_rank);
    if (!pick || (best && !(its_rank < best_rank))) continue;
    best = Pick{pick->choice, cost};
    best_rank = its_rank;
    if (unbeatable(best_rank)) break;
  }
  return best;
}

bool Lane::unbeatable(const Rank& rank) const {
  const bool by_load =
      settings_.strategy == Strategy::saturate || settings_.strategy == Strategy::least_loaded;
  return by_load && !rank.same_key && !rank.same_group && rank.tier == lowest_tier_ && rank.load == 0 &&
         rank.in_flight == 0;
}

// Whether no open option is short of room for any row of the look-ahead: then the order of rows is free.
bool Lane::all_fit() const {
  return std::all_of(open_.begin(), open_.end(), [&](const Option* option) {
    if (!option->quota->limited()) return true;
    const LaneQueue::Bounds most = queue_.most();
    return option->room.holds(cost_of(most.input_tokens, most.max_output_tokens, *option));
  });
}

Lane::Way Lane::way(std::size_t number) {
  may_probe_.reset();
  alive();
  const Option& option = options_[number];
  int tier = std::numeric_limits<int>::max();
  for (const std::size_t place : option.choices) tier = std::min(tier, choices_[place].tier);
  return {.group = option.group,
          .tier = tier,
          .usable_at = std::max(option.quota->closed_until(), usable_at(option)),
          .alive = option.alive};
}

// The key of one option that is best for a row, if any may be used.
std::optional<Lane::Pick> Lane::best_key(const Option& option, const Job& job, TimePoint now, Rank& rank_of) {
  std::optional<Pick> best;
  const double load = option.quota->load(now);
  for (const std::size_t number : option.choices) {
    if (!usable(choices_[number], now)) continue;
    const Rank its_rank = rank(number, job, load);
    if (best && !(its_rank < rank_of)) continue;
    best = Pick{number, {}};
    rank_of = its_rank;
    if (unbeatable(rank_of)) break;
  }
  return best;
}

// Of the rows that suit an option and fit it, the first of the kind that has the greatest credit.
std::optional<std::size_t> Lane::row_for(const Option& option) const {
  const std::size_t way = number_of(option);
  const double group_sends = pool_.sends_of(option.group);
  const bool limited = option.quota->limited();
  std::optional<std::size_t> best;
  double most_credit = 0;
  for (std::size_t place = 0; place < queue_.window(); ++place) {
    const double credit = plan_.credit(way, queue_.bucket(place), group_sends);
    if (best && credit <= most_credit) continue;
    if (!suits(way, place, credit)) continue;
    if (limited && !option.room.holds(cost_of(queue_.at(place), option))) continue;
    best = place;
    most_credit = credit;
  }
  return best;
}

// Option by option, the best one first, the row it should take.
std::optional<Lane::Admission> Lane::admit_by_plan(TimePoint now) {
  untried_.clear();
  for (Option* option : open_) {
    Rank its_rank{};
    const auto pick = best_key(*option, queue_.at(0), now, its_rank);
    if (pick) untried_.push_back({option, *pick, its_rank});
  }
  while (!untried_.empty()) {
    const auto next = std::min_element(untried_.begin(), untried_.end(),
                                       [](const Untried& a, const Untried& b) { return a.rank < b.rank; });
    if (const auto place = row_for(*next->option)) {
      next->pick.cost = cost_of(queue_.at(*place), *next->option);
      return admit(*place, next->pick, now);
    }
    *next = untried_.back();
    untried_.pop_back();
  }
  return std::nullopt;
}

std::optional<std::size_t> Lane::largest_that_fits() const {
  std::optional<std::size_t> best;
  double best_tokens = -1;
  for (const Option* option : open_) {
    for (std::size_t place = 0; place < queue_.window(); ++place) {
      const Cost cost = cost_of(queue_.at(place), *option);
      if (cost.tokens() <= best_tokens) continue;
      if (option->quota->limited() && !option->room.holds(cost)) continue;
      best = place;
      best_tokens = cost.tokens();
    }
  }
  return best;
}

void Lane::release_hold(TimePoint now) {
  if (held_ == nullptr) return;
  held_->release(now);
  held_ = nullptr;
  pool_.changed();
}

// Keeps the group where the overdue first row will fit soonest from being used up by smaller rows.
void Lane::hold_for_first(TimePoint now) {
  const Job& first = queue_.at(0);
  QuotaGroup* best = nullptr;
  TimePoint best_time = never;
  Cost best_cost;
  for (Option& option : options_) {
    QuotaGroup& quota = *option.quota;
    if (!option.alive || !may_take(option, 0) || (quota.held_by() && *quota.held_by() != id_)) continue;
    const Cost cost = cost_of(first, option);
    const TimePoint when = std::max(quota.ready_at(cost, now), usable_at(option));
    if (when >= best_time) continue;
    best = &quota;
    best_cost = cost;
    best_time = when;
  }
  if (best == held_) return;
  release_hold(now);
  if (best == nullptr) return;
  held_ = best;
  held_->hold(id_, best_cost, now);
}

Lane::Admission Lane::admit(std::size_t place, const Pick& pick, TimePoint now) {
  const Choice& choice = choices_[pick.choice];
  const Option& option = options_[choice.option];
  turn_ = pick.choice + 1 == choices_.size() ? 0 : pick.choice + 1;
  if (by_plan()) plan_.sent(choice.option, queue_.bucket(place));
  queue_.sent(now);
  ++sent_;
  return {.job = queue_.take(place, now),
          .candidate = {choice.key, option.model},
          .group = option.group,
          .cost = pick.cost,
          .ends_hold = place == 0};
}

std::optional<Job> Lane::take_overaged(TimePoint now) {
  std::optional<Job> job = queue_.take_expired(now);
  if (job) release_hold(now);
  return job;
}

bool Lane::may_take(const Option& option, std::size_t place) const {
  if (!by_plan()) return true;
  const std::size_t way = number_of(option);
  return suits(way, place, plan_.credit(way, queue_.bucket(place), pool_.sends_of(option.group)));
}

// Whether the plan lets a way take a row whose kind has that credit there. A row that is sent again may go
// anywhere; the first one does not wait for its kind's share when it is its turn.
bool Lane::suits(std::size_t way, std::size_t place, double credit) const {
  if (queue_.at(place).sends > 0) return true;
  if (!plan_.suits(way, queue_.bucket(place))) return false;
  return credit >= -LanePlan::most_ahead || (place == 0 && first_goes_first_);
}

// When some row of the look-ahead fits somewhere, if nothing else happens.
TimePoint Lane::earliest(TimePoint now) {
  TimePoint when = opens_at_;
  if (by_plan() && !queue_.overdue(now)) when = std::min(when, queue_.overdue_at());
  for (const Option* option : open_) {
    const std::size_t rows = option->quota == held_ ? 1 : queue_.window();
    std::optional<Cost> least;  // of those asked about: what is no smaller is ready no sooner
    for (std::size_t place = 0; place < rows; ++place) {
      if (!may_take(*option, place)) continue;
      const Cost cost = cost_of(queue_.at(place), *option);
      if (least && cost.input_tokens >= least->input_tokens && cost.output_tokens >= least->output_tokens) {
        continue;
      }
      least = cost;
      when = std::min(when, option->quota->ready_at(cost, now));
    }
  }
  return when;
}

// A first row that is overdue gets a group to itself; any other does not. Returns whether that changes what
// others may have.
bool Lane::settle_hold(TimePoint now) {
  const QuotaGroup* const before = held_;
  queue_.first_did_not_fit(now);
  if (queue_.overdue(now)) {
    hold_for_first(now);
  } else {
    release_hold(now);
  }
  return held_ != before;
}

Lane::Turn Lane::next(TimePoint now) {
  if (!alive()) {
    release_hold(now);
    return Dead{};
  }
  queue_.spread_over_kinds(by_plan());
  queue_.promote(now);
  if (queue_.window() == 0) return Blocked{queue_.next_promotion()};
  survey(now);
  if (open_.empty() && !short_of_room_) return Blocked{std::min(opens_at_, queue_.next_promotion())};
  const bool overdue = queue_.overdue(now);
  first_goes_first_ = !by_plan() || queue_.at(0).sends > 0 || overdue;
  if (by_plan() ? first_goes_first_ : overdue || all_fit()) {
    if (const auto pick = choose(0, now)) return admit(0, *pick, now);
  }
  if (exceeds_every_window(queue_.at(0))) {
    release_hold(now);
    return Expired{queue_.take(0, now), GiveUp::exceeds_window, {}};
  }
  if (settle_hold(now)) survey(now);
  if (by_plan()) {
    first_goes_first_ = queue_.overdue(now);
    if (auto admission = admit_by_plan(now)) return *admission;
  } else if (const auto place = largest_that_fits()) {
    if (const auto pick = choose(*place, now)) return admit(*place, *pick, now);
  }
  return Blocked{std::min(earliest(now), queue_.next_promotion())};
}

}  // namespace batchrun

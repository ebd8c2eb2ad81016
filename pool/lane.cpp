#include "pool/lane.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

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

// Every reply moves what rows are taken to cost, mostly by less than that. Looked at anew each time, eight
// full groups made a decision cost twice as much, two hundred five times; a row may now wait for room for 1 %
// more than it needs until its group changes, which it does with each row sent and each reply.
constexpr double noticed = 0.01;

}  // namespace

Lane::Lane(LaneId id, const LaneSpec& spec, KeyPool& pool, const PoolSettings& settings)
    : id_(id), pool_(pool), settings_(settings), queue_(settings), deaths_seen_(pool.deaths() - 1) {
  for (const Candidate& candidate : spec.candidates) {
    require(candidate.key.value < pool.size(), "a candidate whose key does not exist");
    PoolKey& key = pool.key(candidate.key);
    choices_.push_back({candidate.key, key.tier, &key, 0, false});
    enlist(choices_.size() - 1, candidate.model);
    lowest_tier_ = std::min(lowest_tier_, key.tier);
  }
  require(!choices_.empty(), "a lane without candidates");
  open_.reserve(options_.size());
}

void Lane::enlist(std::size_t number, std::uint32_t model) {
  Choice& choice = choices_[number];
  choice.option = option_for(choice.pool_key->group, model);
  options_[choice.option].choices.push_back(number);
}

void Lane::regroup(TimePoint now) {
  release_hold(now);
  plan_.clear();
  const std::vector<Option> before = std::exchange(options_, {});
  standings_.clear();
  groups_ = 0;
  for (std::size_t number = 0; number < choices_.size(); ++number) {
    enlist(number, before[choices_[number].option].model);
  }
  deaths_seen_ = pool_.deaths() - 1;
}

std::size_t Lane::option_for(GroupId group, std::uint32_t model) {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& option) {
    return option.group == group && option.model == model;
  });
  if (found == options_.end()) {
    groups_ += std::none_of(options_.begin(), options_.end(),
                            [&](const Option& option) { return option.group == group; });
    options_.push_back({.group = group,
                        .quota = &pool_.group(group),
                        .model = model,
                        .estimate = &estimates_[model].estimate});
    standings_.push_back({.quota = options_.back().quota});
    return options_.size() - 1;
  }
  return static_cast<std::size_t>(found - options_.begin());
}

bool Lane::alive() {
  if (deaths_seen_ == pool_.deaths()) return alive_;
  deaths_seen_ = pool_.deaths();
  alive_ = false;
  for (Option& option : options_) option.alive = false;
  for (Standing& standing : standings_) standing.version = 0;
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
  Learned& learned = estimates_[permit.model()];
  Estimate& estimate = learned.estimate;
  estimate.learn_input(job.input_tokens, static_cast<double>(usage.input_tokens),
                       static_cast<double>(usage.cached_tokens));
  estimate.learn_output(static_cast<double>(usage.output_tokens));
  const bool output_counts = pool_.group(permit.group()).charging().output == Charging::Output::produced;
  const auto moved = [](double noted, double is) { return std::abs(is - noted) > noticed * noted; };
  if (!moved(learned.input_noted, estimate.input_factor()) &&
      !(output_counts && moved(learned.output_noted, estimate.output_reach()))) {
    return;
  }
  learned.input_noted = estimate.input_factor();
  learned.output_noted = estimate.output_reach();
  ++learned_;
}

// What rows are charged on an option, with what goes for all of them worked out once.
class Lane::Tariff {
 public:
  enum class Of : std::uint8_t { reserved, expected };

  explicit Tariff(const Option& option, Of of = Of::reserved)
      : quota_(*option.quota),
        estimate_(*option.estimate),
        input_factor_(quota_.charging().cached_input_free ? estimate_.input_factor() : estimate_.ratio()) {
    switch (quota_.charging().output) {
      case Charging::Output::reserved:
        most_output_ = std::numeric_limits<double>::infinity();
        break;
      case Charging::Output::produced:
        most_output_ = no_maximum_output_ =
            of == Of::expected ? estimate_.output(0) : estimate_.output_reserve(0, quota_.in_flight() + 1);
        break;
      case Charging::Output::free:
        break;
    }
  }

  Cost operator()(const RowSize& size) const { return (*this)(size.input_tokens, size.max_output_tokens); }
  Cost operator()(double input_tokens, double max_output_tokens) const {
    const Cost cost{.requests = 1,
                    .input_tokens = Estimate::plain_input(input_tokens * input_factor_),
                    .output_tokens = max_output_tokens > 0
                                         ? std::min(Estimate::whole(max_output_tokens), most_output_)
                                         : no_maximum_output_};
    return quota_.exceeds(cost) ? cut_down(cost, input_tokens) : cost;
  }

  // No row of the bucket costs less.
  Cost least_of(std::size_t bucket) const {
    const RowMix::Least least = RowMix::least(bucket);
    const Cost cost{.requests = 1,
                    .input_tokens = std::max(1.0, least.input_tokens * std::min(input_factor_, 1.0)),
                    .output_tokens = std::min(least.max_output_tokens, most_output_)};
    return quota_.exceeds(cost) ? cut_down(cost, least.input_tokens) : cost;
  }

 private:
  Cost cut_down(Cost cost, double input_tokens) const;

  const QuotaGroup& quota_;
  const Estimate& estimate_;
  double input_factor_;
  double most_output_ = 0, no_maximum_output_ = 0;
};

// What was learned from other rows must not make a row impossible that may well fit: let the server say so.
Cost Lane::Tariff::cut_down(Cost cost, double input_tokens) const {
  if (estimate_.ratio() > 1) cost.input_tokens = Estimate::plain_input(input_tokens);
  if (quota_.charging().output == Charging::Output::produced) {
    const Room& most = quota_.most();
    cost.output_tokens = std::clamp(most.tokens - cost.input_tokens, 0.0, cost.output_tokens);
    cost.output_tokens = std::min(cost.output_tokens, most.output_tokens);
  }
  return cost;
}

// The rows of the look-ahead that suit an option, kind by kind: rows of a kind have the same credit, but for
// those that go by rules of their own. The first row is one, and so is each that is sent again.
class Lane::Suited {
 public:
  Suited(const Lane& lane, const Option& option);

  // Of those that fit, the first of the kind that has the greatest credit.
  std::optional<std::size_t> first_that_fits() const;

  // When one of them fits, and which, if every other takes no less: they wait until then.
  struct First {
    TimePoint at = never;
    std::optional<RowSize> size{};
  };
  First wait_for_first(TimePoint now) const;

 private:
  struct Kind {
    std::size_t bucket;
    double credit;
    double least_input, least_output;  // no row of it costs less
    Cost least() const { return {.input_tokens = least_input, .output_tokens = least_output}; }
  };
  bool fits(const Cost& cost) const { return !option_.quota->limited() || option_.room.holds(cost); }
  bool fits(std::size_t place) const { return fits(cost_(queue_.size_at(place))); }
  std::size_t first_that_fits(std::size_t bucket, std::size_t end) const;
  template <class Visit>
  void for_each_size(const std::optional<Cost>& least, Visit visit) const;

  const Lane& lane_;
  const LaneQueue& queue_;
  const Option& option_;
  const Tariff cost_;
  const std::size_t special_;                // so many first rows go by rules of their own
  std::array<Kind, RowMix::buckets> kinds_;  // without values beyond end_of_kinds_: to set them takes as long
  Kind* end_of_kinds_ = kinds_.data();
};

Cost Lane::cost(const Option& option, const Job& job) {
  return Tariff(option)(job.input_tokens, job.max_output_tokens);
}

Cost Lane::expected_cost(double input_tokens, double max_output_tokens, std::size_t way) const {
  return Tariff(options_[way], Tariff::Of::expected)(input_tokens, max_output_tokens);
}

bool Lane::exceeds_every_window(const Job& job) {
  if (!alive()) return false;
  return std::all_of(options_.begin(), options_.end(), [&](const Option& option) {
    return !option.alive || option.quota->exceeds(cost(option, job));
  });
}

std::optional<SpentDay> Lane::last_spent_day(const Job& job, TimePoint now) {
  std::optional<SpentDay> first;
  if (!alive()) return first;
  for (const Option& option : options_) {
    const Cost cost = this->cost(option, job);
    if (!option.alive || option.quota->exceeds(cost)) continue;
    const auto spent = option.quota->last_spent_day(cost, now);
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
  short_of_room_ = some_unsuited_ = false;
  may_probe_.reset();
  forget_what_changed(now);
  for (std::size_t i = 0; i < options_.size(); ++i) {
    Standing& standing = standings_[i];
    const bool holds = standing.version == standing.quota->version() && now < standing.holds_until;
    if (!holds && !still_rests(options_[i], standing, now)) {
      look(options_[i], standing, now);
    } else if (standing.rests()) {
      ask_about_news(options_[i], standing, now);
    }
    if (standing.state == Standing::State::open) {
      open_.push_back(&options_[i]);
      continue;
    }
    some_unsuited_ |= standing.state == Standing::State::unsuited;
    short_of_room_ |= standing.rests();
    opens_at_ = std::min(opens_at_, standing.opens_at);
  }
}

void Lane::forget_what_changed(TimePoint now) {
  newcomers_ = std::min<std::size_t>(queue_.came_last() - came_last_, queue_.window());
  came_last_ = queue_.came_last();
  std::optional<RowId> overdue;
  if (queue_.overdue(now)) overdue = queue_.at(0).row;
  first_is_news_ = overdue && overdue != overdue_;
  overdue_ = overdue;
  Basis basis{.circuits = pool_.circuits(),
              .came_ahead = queue_.came_ahead(),
              .plan = plan_.number(),
              .learned = learned_,
              .by_plan = by_plan()};
  if (basis == basis_) return;
  basis_ = basis;
  for (Standing& standing : standings_) standing.version = 0;
}

// Most of what changes a group is replies, which change no more than when there is room for the same row.
bool Lane::still_rests(const Option& option, Standing& standing, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  if (!knows_row(option, standing)) return false;
  if (quota.full() || quota.held_by() || std::max(quota.gate(now), usable_at(option)) > now) return false;
  const TimePoint when = quota.wait_for(Tariff(option)(*standing.waits_for), now);
  if (when <= now) return false;
  standing.version = quota.version();
  standing.opens_at = standing.holds_until = when;
  return true;
}

void Lane::look(Option& option, Standing& standing, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  standing.version = quota.version();
  standing.waits_for.reset();
  if (!option.alive || quota.full() || (quota.held_by() && *quota.held_by() != id_)) {
    standing.state = Standing::State::out;
    standing.opens_at = standing.holds_until = never;
    return;
  }
  const TimePoint when = std::max(quota.gate(now), usable_at(option));
  if (when > now) {
    standing.state = Standing::State::shut;
    standing.opens_at = standing.holds_until = when;
    quota.wait_for(least_cost(option), now);
  } else {
    look_for_room(option, standing, now);
  }
}

// Whether there is room for a row of the look-ahead: if not for the smallest, then not for any. Which one,
// and whether it suits, is asked once the option's turn comes.
void Lane::look_for_room(Option& option, Standing& standing, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  standing.state = Standing::State::open;
  standing.holds_until = never;
  if (!quota.limited()) return;
  standing.holds_until = now + Duration(1);  // room grows with time
  const Cost least = least_cost(option);
  if (option.quota == held_) return look_beside_first(option, standing, least, now);
  option.room = quota.room(now);
  if (!option.room.holds(least)) rest(Suited(*this, option), option, standing, Standing::State::full, now);
}

// The same of a group that saves up for the first row: others may only have what the first will not need.
void Lane::look_beside_first(Option& option, Standing& standing, const Cost& least, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  const Cost first = cost(option, queue_.at(0));
  const TimePoint when = quota.ready_at(first, now);
  option.room = when <= now ? quota.room(now) : quota.room_beside(first, when, now);
  if (option.room.holds(least)) return;
  standing.state = Standing::State::full;
  standing.opens_at = when;
}

// No row went there, but those that came into the look-ahead since may, or sooner than others; so may the
// first, once it is overdue.
void Lane::ask_about_news(const Option& option, Standing& standing, TimePoint now) {
  if (first_is_news_) ask_about(0, option, standing, now);
  for (std::size_t place = queue_.window() - newcomers_; place < queue_.window(); ++place) {
    if (!standing.rests()) return;
    ask_about(place, option, standing, now);
  }
}

void Lane::ask_about(std::size_t place, const Option& option, Standing& standing, TimePoint now) {
  const RowSize& size = queue_.size_at(place);
  if ((standing.waits_for && size.covers(*standing.waits_for)) || !may_take(option, place)) return;
  const Tariff cost_of(option);
  const Cost cost = cost_of(size);
  if (standing.waits_for && option.quota->no_dearer(cost_of(*standing.waits_for), cost)) return;
  const TimePoint when = option.quota->wait_for(cost, now);
  if (when <= now) return look(options_[number_of(option)], standing, now);
  if (standing.waits_for && option.quota->no_dearer(cost, cost_of(*standing.waits_for))) {
    standing.waits_for = size;
  } else {
    standing.waits_for.reset();
  }
  standing.opens_at = standing.holds_until = std::min(standing.opens_at, when);
}

Cost Lane::least_cost(const Option& option) const {
  const RowSize least = queue_.least();
  Cost cost = Tariff(option)(least);
  if (least.max_output_tokens == 0)
    cost.output_tokens = 0;  // such a row sets no maximum, others set a small one
  return cost;
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
  BestKey best;
  // From the option whose turn it is: where an idle key is as good as any other, the search ends with it.
  const Option* const turn = &options_[choices_[turn_].option];
  const auto start = std::lower_bound(open_.begin(), open_.end(), turn) - open_.begin();
  auto next = static_cast<std::size_t>(start);
  for (std::size_t tried = 0; tried < open_.size(); ++tried, ++next) {
    if (next == open_.size()) next = 0;
    const Option* option = open_[next];
    if (!may_take(*option, place)) continue;
    if (option->quota->limited() && !option->room.holds(cost(*option, job))) continue;
    look_for_better(best, *option, job, now);
    if (best.choice && unbeatable(best.rank)) break;
  }
  if (!best.choice) return std::nullopt;
  return Pick{*best.choice, cost(options_[choices_[*best.choice].option], job)};
}

bool Lane::unbeatable(const Rank& rank) const {
  const bool by_load =
      settings_.strategy == Strategy::saturate || settings_.strategy == Strategy::least_loaded;
  return by_load && !rank.same_key && !rank.same_group && rank.tier == lowest_tier_ && rank.load == 0 &&
         rank.in_flight == 0;
}

// Whether no open option is short of room for any row of the look-ahead: then the order of rows is free.
bool Lane::all_fit() const {
  if (some_unsuited_) return false;
  return std::all_of(open_.begin(), open_.end(), [&](const Option* option) {
    if (!option->quota->limited()) return true;
    const RowSize most = queue_.most();
    return option->room.holds(Tariff(*option)(most));
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

std::optional<GroupId> Lane::group_alive(std::size_t way) {
  alive();
  return options_[way].alive ? std::optional(options_[way].group) : std::nullopt;
}

// Whether the option has a better one.
void Lane::look_for_better(BestKey& best, const Option& option, const Job& job, TimePoint now) {
  const double load = option.quota->load(now);
  for (const std::size_t number : option.choices) {
    if (!usable(choices_[number], now)) continue;
    const Rank its_rank = rank(number, job, load);
    if (best.choice && !(its_rank < best.rank)) continue;
    best = {number, its_rank};
    if (unbeatable(best.rank)) return;
  }
}

Lane::Suited::Suited(const Lane& lane, const Option& option)
    : lane_(lane),
      queue_(lane.queue_),
      option_(option),
      cost_(option),
      special_(std::min(std::max<std::size_t>(queue_.again(), 1), queue_.window())) {
  const bool by_plan = lane.by_plan();
  const std::size_t way = lane.number_of(option);
  const double group_sends = lane.pool_.sends_of(option.group);
  const KindSet suited = by_plan ? lane.plan_.suited(way) : KindSet::all();
  suited.for_each_in_both(queue_.kinds(), [&](std::size_t bucket) {
    const double credit = by_plan ? lane.plan_.credit_if_suited(way, bucket, group_sends) : 0;
    if (credit == LanePlan::unsuited) return;
    const Cost least = cost_.least_of(bucket);
    *end_of_kinds_++ = {bucket, credit, least.input_tokens, least.output_tokens};
  });
}

std::optional<std::size_t> Lane::Suited::first_that_fits() const {
  std::size_t best = queue_.window();
  double most_credit = LanePlan::unsuited;
  for (std::size_t place = 0; place < special_; ++place) {
    const double credit = lane_.credit(option_, place);
    if (credit <= most_credit || !fits(place)) continue;
    best = place;
    most_credit = credit;
  }
  for (const Kind* kind = kinds_.data(); kind != end_of_kinds_; ++kind) {
    if (kind->credit < most_credit || !fits(kind->least())) continue;
    const std::size_t end = kind->credit > most_credit ? queue_.window() : best;
    const std::size_t place = first_that_fits(kind->bucket, end);
    if (place >= end) continue;
    best = place;
    most_credit = kind->credit;
  }
  return best < queue_.window() ? std::optional(best) : std::nullopt;
}

// Before `end`, or else that or beyond.
std::size_t Lane::Suited::first_that_fits(std::size_t bucket, std::size_t end) const {
  std::size_t place = queue_.find(bucket, special_);
  while (place < end && !fits(place)) place = queue_.find(bucket, place + 1);
  return place;
}

// Calls visit(size) for each row, but for kinds of which none takes less than `least` of anything.
template <class Visit>
void Lane::Suited::for_each_size(const std::optional<Cost>& least, Visit visit) const {
  for (std::size_t place = 0; place < special_; ++place) {
    if (lane_.may_take(option_, place)) visit(queue_.size_at(place));
  }
  for (const Kind* kind = kinds_.data(); kind != end_of_kinds_; ++kind) {
    if (least && option_.quota->no_dearer(*least, kind->least())) continue;
    for (std::size_t place = queue_.find(kind->bucket, special_); place < queue_.window();
         place = queue_.find(kind->bucket, place + 1)) {
      visit(queue_.size_at(place));
    }
  }
}

Lane::Suited::First Lane::Suited::wait_for_first(TimePoint now) const {
  QuotaGroup& quota = *option_.quota;
  First first;
  std::optional<Cost> least;  // what takes no less of anything is ready no sooner
  bool least_of_all = true;
  for_each_size(least, [&](const RowSize& size) {
    const Cost cost = cost_(size);
    if (!least || quota.no_dearer(cost, *least)) {
      least = cost;
      first.size = size;
    } else if (!quota.no_dearer(*least, cost)) {
      least_of_all = false;
      if (cost.tokens() < least->tokens()) least = cost;
    }
  });
  if (!least) return first;
  first.at = quota.wait_for(*least, now);
  if (least_of_all) return first;
  first.size.reset();
  for_each_size(least, [&](const RowSize& size) {
    const Cost cost = cost_(size);
    if (!quota.no_dearer(*least, cost)) first.at = std::min(first.at, quota.wait_for(cost, now));
  });
  return first;
}

// If no row of the look-ahead goes on the option now, it rests until one does. A group that is held waits for
// the first one, which earliest() asks about.
void Lane::rest(const Suited& suited, const Option& option, Standing& standing, Standing::State state,
                TimePoint now) {
  if (option.quota == held_) return;
  const Suited::First first = suited.wait_for_first(now);
  if (first.at <= now) return;
  standing.state = state;
  standing.opens_at = standing.holds_until = first.at;
  standing.waits_for = first.size;
  standing.group_sends = pool_.sends_of(option.group);
}

// Option by option, the best one first, the row it should take.
std::optional<Lane::Admission> Lane::admit_by_plan(TimePoint now) {
  untried_.clear();
  for (Option* option : open_) {
    BestKey key;
    look_for_better(key, *option, queue_.at(0), now);
    if (key.choice) untried_.push_back({option, key});
  }
  while (!untried_.empty()) {
    const auto next =
        std::min_element(untried_.begin(), untried_.end(),
                         [](const Untried& a, const Untried& b) { return a.key.rank < b.key.rank; });
    Option& option = *next->option;
    const Suited suited(*this, option);
    if (const auto place = suited.first_that_fits()) {
      return admit(*place, {*next->key.choice, cost(option, queue_.at(*place))}, now);
    }
    rest(suited, option, standings_[number_of(option)], Standing::State::unsuited, now);
    *next = untried_.back();
    untried_.pop_back();
  }
  return std::nullopt;
}

std::optional<std::size_t> Lane::largest_that_fits() const {
  std::optional<std::size_t> best;
  double best_tokens = -1;
  for (const Option* option : open_) {
    const Tariff cost_of(*option);
    for (std::size_t place = 0; place < queue_.window(); ++place) {
      const Cost cost = cost_of(queue_.size_at(place));
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

// When the first row fits on the option, if it may have it to itself; else never. It waits for each such
// option, and goes on the one that is ready first.
TimePoint Lane::let_first_wait_for(const Option& option, TimePoint now) {
  QuotaGroup& quota = *option.quota;
  if (!option.alive || !may_take(option, 0) || (quota.held_by() && *quota.held_by() != id_)) return never;
  return std::max(quota.wait_for(cost(option, queue_.at(0)), now), usable_at(option));
}

// Keeps the group where the overdue first row will fit soonest from being used up by smaller rows, and stays
// with it unless it turns out to be later than promised.
void Lane::hold_for_first(TimePoint now) {
  if (held_ != nullptr && let_first_wait_for(options_[held_option_], now) <= held_until_) return;
  const Option* best = nullptr;
  TimePoint best_time = never;
  const auto consider = [&](const Option& option) {
    const Standing& standing = standings_[number_of(option)];
    if (standing.rests() && standing.opens_at >= best_time) return;
    const TimePoint when = let_first_wait_for(option, now);
    if (when >= best_time) return;
    best = &option;
    best_time = when;
  };
  if (held_ != nullptr) consider(options_[held_option_]);
  for (const Option& option : options_) {
    if (best != &option) consider(option);
  }
  if (best == nullptr) return release_hold(now);
  held_option_ = number_of(*best);
  held_until_ = best_time;
  if (best->quota == held_) return;
  release_hold(now);
  held_ = best->quota;
  held_->hold(id_, cost(*best, queue_.at(0)), now);
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

// Of a row's kind on that way, or `unsuited` where the plan keeps the way from it. A row that is sent again
// may go anywhere; an overdue one does not wait for its kind's share.
double Lane::credit(const Option& option, std::size_t place) const {
  if (!by_plan()) return 0;
  const std::size_t way = number_of(option);
  const std::size_t bucket = queue_.bucket(place);
  const double group_sends = pool_.sends_of(option.group);
  const bool again = queue_.at(place).sends > 0;
  const bool overdue = place == 0 && first_goes_first_;
  if (again || (overdue && plan_.suits(way, bucket))) return plan_.credit(way, bucket, group_sends);
  return plan_.credit_if_suited(way, bucket, group_sends);
}

// When some row of the look-ahead fits somewhere, if nothing else happens.
TimePoint Lane::earliest(TimePoint now) {
  TimePoint when = opens_at_;
  if (by_plan() && !queue_.overdue(now)) when = std::min(when, queue_.overdue_at());
  for (const Option* option : open_) {
    if (option->quota == held_) {
      when = std::min(when, let_first_wait_for(*option, now));
      continue;
    }
    Standing& standing = standings_[number_of(*option)];
    if (!standing.rests()) {
      rest(Suited(*this, *option), *option, standing, Standing::State::unsuited, now);
    }
    when = std::min(when, standing.rests() ? standing.opens_at : now);
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
  first_goes_first_ = queue_.overdue(now);
  survey(now);
  if (open_.empty() && !short_of_room_) return Blocked{std::min(opens_at_, queue_.next_promotion())};
  if (first_goes_first_ || (by_plan() ? queue_.at(0).sends > 0 : all_fit())) {
    if (const auto pick = choose(0, now)) return admit(0, *pick, now);
  }
  if (exceeds_every_window(queue_.at(0))) {
    release_hold(now);
    return Expired{queue_.take(0, now), GiveUp::exceeds_window, {}};
  }
  const bool hold_changed = settle_hold(now);
  first_goes_first_ = queue_.overdue(now);
  if (hold_changed) survey(now);
  if (by_plan()) {
    if (auto admission = admit_by_plan(now)) return *admission;
  } else if (const auto place = largest_that_fits()) {
    if (const auto pick = choose(*place, now)) return admit(*place, *pick, now);
  }
  return Blocked{std::min(earliest(now), queue_.next_promotion())};
}

}  // namespace batchrun

#include "runner/run_state.h"

#include <algorithm>
#include <utility>

#include "runner/clock.h"
#include "runner/inert.h"

namespace batchrun {
namespace {

using std::chrono::sys_seconds;

constexpr auto patience = std::chrono::seconds(1);
// The clocks part slowly when the wall's is kept right, and at once when it is set or the machine sleeps.
constexpr Duration clocks_apart = std::chrono::seconds(2);

TimePoint pool_time(sys_seconds at, const Moment& moment) {
  return moment.pool + (at - moment.wall);
}
sys_seconds wall_time(TimePoint at, const Moment& moment) {
  return std::chrono::ceil<std::chrono::seconds>(moment.wall + (at - moment.pool));
}

Duration offset(const Moment& moment) {
  return moment.wall.time_since_epoch() - moment.pool.time_since_epoch();
}

// A group is its keys': the first one says whose it is.
std::vector<GroupIdentity> identities_of(const Settings& settings) {
  std::vector<GroupIdentity> identities(settings.pool.groups.size());
  for (std::size_t i = settings.keys.size(); i-- > 0;) {
    const Key& key = settings.keys[i];
    const Provider& provider = settings.providers[key.provider];
    identities[settings.pool.keys[i].group.value] = {provider.name, provider.endpoint.origin.url(), key.group,
                                                     key.credential};
  }
  return identities;
}

}  // namespace

std::string state_path(const Environment& environment) {
  const std::string& given = env_value(environment, "XDG_STATE_HOME");
  const std::string& home = env_value(environment, "HOME");
  if (given.rfind('/', 0) == 0) return given + "/batchrun/state.db";
  return home.empty() ? "" : home + "/.local/state/batchrun/state.db";
}

Moment read_clocks() {
  return {std::chrono::system_clock::now(), SteadyClock().now()};
}

GroupHistory history_of(const GroupState& state, const Moment& moment) {
  GroupHistory history;
  const TimePoint latest = moment.pool - std::chrono::seconds(1);
  for (const Charge& charge : state.charges) {
    history.sent.push_back({std::min(pool_time(charge.at, moment), latest),
                            {charge.requests, charge.input_tokens, charge.output_tokens}});
  }
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (state.learned[i]) history.learned_limits[i] = state.learned[i]->units;
  }
  if (state.out_until) history.out_until = pool_time(*state.out_until, moment);
  if (state.same_as) {
    history.same_as = {{static_cast<std::uint32_t>(state.same_as->group)}, state.same_as->on};
  }
  return history;
}

GroupState state_of(const GroupHistory& history, const Moment& moment) {
  GroupState state;
  for (const SentSlot& slot : history.sent) {
    state.charges.push_back(
        {wall_time(slot.at, moment), slot.cost.requests, slot.cost.input_tokens, slot.cost.output_tokens});
  }
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (history.learned_limits[i])
      state.learned[i] = LearnedLimit{*history.learned_limits[i], wall_time(moment.pool, moment)};
  }
  if (history.out_until) state.out_until = wall_time(*history.out_until, moment);
  if (history.same_as) state.same_as = {history.same_as->group.value, history.same_as->on};
  return state;
}

RunState::RunState(const std::string& path, Settings& settings, const Moment& start)
    : moment_(start), unsaved_(settings.pool.groups.size()) {
  if (path.empty()) {
    settings.notices.emplace_back(
        "neither XDG_STATE_HOME nor HOME is set: what this run uses of its quotas is not kept for the next");
    return;
  }
  StateStore::Opening opening = StateStore::open(path, identities_of(settings), wall_time(start.pool, start));
  store_ = std::move(opening.store);
  if (!opening.warning.empty()) {
    settings.notices.push_back(
        inert(opening.warning + (store_ ? "" : "; what earlier runs used of the quotas is not known")));
  }
  if (!store_) return;
  settings.pool.settings.keep_history = true;
  for (std::size_t i = 0; i < opening.known.size(); ++i)
    settings.pool.groups[i].history = history_of(opening.known[i], start);
}

void RunState::run(StateLink& link) {
  bool usable = store_.has_value();
  while (usable && !link.news.ended()) {
    if (const std::optional<StateNews> news = link.news.pop(patience)) {
      add(news->groups);
      for (const SpendClaim& claim : news->claims)
        claims_.push_back({claim.user, claim.day, claim.amount, claim.cap, claim.spent});
    }
    usable = save(link, false);
  }
  if (usable) save(link, true);  // what a lock has kept back
  link.news.close();
  link.grants.close();
  store_.reset();  // here, as it takes a sync
}

void RunState::add(const std::vector<GroupHistory>& histories) {
  if (histories.empty()) return;
  const Moment now = read_clocks();
  if (std::chrono::abs(offset(now) - offset(moment_)) > clocks_apart) moment_ = now;
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const GroupState news = state_of(histories[i], moment_);
    anything_unsaved_ |= !news.empty();
    unsaved_[i].add(news);
  }
}

// False: there is no use in another try.
bool RunState::save(StateLink& link, bool last) {
  return enter_claims(link, last) && save_charges(last);
}

bool RunState::enter_claims(StateLink& link, bool last) {
  if (claims_.empty()) return true;
  std::vector<BudgetGrant> entered;
  if (const std::optional<StateError> error = store_->claim(claims_, entered)) return heed(*error, last);
  std::vector<SpendGrant> grants;
  for (std::size_t i = 0; i < entered.size(); ++i) {
    const BudgetClaim& claim = claims_[i];
    if (!claim.cap) continue;
    grants.push_back({claim.owner, claim.day, entered[i].amount, entered[i].total, entered[i].may_return});
  }
  claims_.clear();
  if (!grants.empty()) link.grants.put(std::move(grants), 1);
  return true;
}

bool RunState::save_charges(bool last) {
  if (!anything_unsaved_) return true;
  const std::optional<StateError> error = store_->save(unsaved_, wall_time(read_clocks().pool, moment_));
  if (error) return heed(*error, last);
  unsaved_.assign(unsaved_.size(), {});
  anything_unsaved_ = false;
  return true;
}

// False: there is no use in another try.
bool RunState::heed(const StateError& error, bool last) {
  if (last || !error.passing) {
    warn(error.message + "; what this run uses of the quotas is not kept for the next");
    return false;
  }
  if (!std::exchange(warned_of_lock_, true))
    warn(error.message + "; what this run uses of the quotas is kept once it is free");
  return true;
}

void RunState::warn(const std::string& message) {
  const std::lock_guard lock(warning_mutex_);
  warning_ = message;
}

std::string RunState::take_warning() {
  const std::lock_guard lock(warning_mutex_);
  return std::exchange(warning_, "");
}

}  // namespace batchrun

#include "pool/spend.h"

#include <algorithm>
#include <utility>

namespace batchrun {

Spend::Verdict Spend::judge(const Account& account, Picodollars cap, Picodollars most, Verdict if_never) {
  if (account.spent + most > cap) return if_never;
  return account.spent + account.let_in + most > cap ? Verdict::wait : Verdict::go;
}

std::optional<Picodollars> Spend::cap_of(std::string_view user) const {
  if (user.empty()) return std::nullopt;
  const auto named = limits_.users.find(user);
  return named != limits_.users.end() ? named->second : limits_.each_user;
}

// A new day begins with nothing spent; what is let in of the old one is that one's.
Spend::UserDay& Spend::day_of(const Stake& stake) {
  UserDay& account = users_[stake.user];
  if (account.day != stake.day) {
    account = {};
    account.day = stake.day;
  }
  return account;
}

Spend::UserDay* Spend::day_if_still(const Stake& stake) {
  const auto known = users_.find(stake.user);
  return known != users_.end() && known->second.day == stake.day ? &known->second : nullptr;
}

Spend::Verdict Spend::ask(const Stake& stake) {
  const std::optional<Picodollars> cap = cap_of(stake.user);
  UserDay* const day = cap ? &day_of(stake) : nullptr;
  Verdict verdict = Verdict::go;
  if (day != nullptr) verdict = judge(*day, *cap - day->others, stake.most, Verdict::user_limit);
  if (verdict == Verdict::user_limit && shared_ &&
      day->spent + stake.most <= *cap - day->others + day->may_return) {
    curious_.insert(stake.user);
    verdict = Verdict::wait;
  }
  if (verdict == Verdict::go && limits_.run)
    verdict = judge(all_, *limits_.run, stake.most, Verdict::run_limit);
  if (verdict != Verdict::go || day == nullptr || !shared_) return verdict;
  if (day->spent + day->let_in + stake.most <= day->claimed) return Verdict::go;
  wants_[stake.user] += stake.most;
  return Verdict::wait;
}

void Spend::let_in(const Stake& stake) {
  all_.let_in += stake.most;
  if (cap_of(stake.user)) day_of(stake).let_in += stake.most;
}

void Spend::pay(const Stake& stake, Picodollars cost) {
  all_.spent += cost;
  if (UserDay* day = day_if_still(stake)) day->spent += cost;
}

void Spend::end(const Stake& stake) {
  all_.let_in -= stake.most;
  UserDay* day = day_if_still(stake);
  if (day == nullptr) return;
  day->let_in -= stake.most;
  if (shared_) uneven_.insert(stake.user);
}

std::vector<SpendClaim> Spend::take_claims(bool even_out) {
  std::vector<SpendClaim> claims;
  if (!shared_) return claims;
  for (const auto& [user, want] : wants_) {
    UserDay& day = users_[user];
    const Picodollars cap = *cap_of(user);
    const Picodollars amount = std::min(day.spent + day.let_in + want, cap - day.others) - day.claimed;
    if (day.asked || amount <= 0) continue;
    day.asked = true;
    day.told = day.spent;
    claims.push_back({user, day.day, amount, cap, day.spent});
  }
  wants_.clear();
  if (!even_out) return claims;
  std::erase_if(uneven_, [&](const std::string& user) {
    UserDay& day = users_[user];
    if (day.asked) return false;  // what is granted is needed first
    const Picodollars needed = day.spent + day.let_in;
    if (needed != day.claimed || day.spent != day.told)
      claims.push_back({user, day.day, needed - day.claimed, {}, day.spent});
    day.claimed = needed;
    day.told = day.spent;
    return true;
  });
  for (const std::string& user : std::exchange(curious_, {})) {
    UserDay& day = users_[user];
    if (!std::exchange(day.asked, true)) claims.push_back({user, day.day, 0, *cap_of(user), day.spent});
  }
  return claims;
}

void Spend::forget_wants() {
  wants_.clear();
  curious_.clear();
}

void Spend::grant(const SpendGrant& grant) {
  UserDay* day = day_if_still({grant.user, 0, grant.day});
  if (!shared_ || day == nullptr || !day->asked) return;
  day->asked = false;
  day->claimed += grant.amount;
  day->others = grant.total - day->claimed;
  day->may_return = grant.may_return;
  uneven_.insert(grant.user);  // who wanted it may have gone
}

void Spend::go_on_alone() {
  shared_ = false;
  forget_wants();
  uneven_.clear();
}

}  // namespace batchrun

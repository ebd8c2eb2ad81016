#include "pool/spend.h"

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

Spend::Account& Spend::account_of(std::string_view user) {
  const auto known = users_.find(user);
  return known != users_.end() ? known->second : users_[std::string(user)];
}

Spend::Verdict Spend::ask(std::string_view user, Picodollars most) const {
  if (const std::optional<Picodollars> cap = cap_of(user)) {
    const auto known = users_.find(user);
    const Account account = known == users_.end() ? Account{} : known->second;
    const Verdict verdict = judge(account, *cap, most, Verdict::user_limit);
    if (verdict != Verdict::go) return verdict;
  }
  return limits_.run ? judge(all_, *limits_.run, most, Verdict::run_limit) : Verdict::go;
}

void Spend::let_in(std::string_view user, Picodollars most) {
  all_.let_in += most;
  if (cap_of(user)) account_of(user).let_in += most;
}

void Spend::pay(std::string_view user, Picodollars cost) {
  all_.spent += cost;
  if (cap_of(user)) account_of(user).spent += cost;
}

void Spend::end(std::string_view user, Picodollars most) {
  all_.let_in -= most;
  if (cap_of(user)) account_of(user).let_in -= most;
}

}  // namespace batchrun

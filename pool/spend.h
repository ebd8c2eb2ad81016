// What a run has spent and may still spend, in all and for each user a day. Pure; one thread.
//
// A row is let in with the most it can cost, and settled with what it did cost: what is spent and what is let
// in together never exceed a cap, so no cap is overshot.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pool/price.h"

namespace batchrun {

struct SpendLimits {
  std::optional<Picodollars> run;
  std::optional<Picodollars> each_user;                                  // of users not named below
  std::map<std::string, std::optional<Picodollars>, std::less<>> users;  // nothing: no cap
  bool any() const { return run || each_user || !users.empty(); }
  bool of_users() const { return each_user || !users.empty(); }
};

class Spend {
 public:
  enum class Verdict {
    go,
    wait,        // it fits once others have been settled for less than they were let in with
    run_limit,   // it never fits any more
    user_limit,  // it does not fit today's cap of its user
  };

  explicit Spend(SpendLimits limits) : limits_(std::move(limits)) {}

  // Whether any cap holds for `user`'s rows.
  bool capped(std::string_view user) const { return limits_.run || cap_of(user); }

  // Whether a row that costs at most `most` may be let in. `user`: whose it is; "" = nobody's, and only the
  // run's cap holds.
  Verdict ask(std::string_view user, Picodollars most) const;
  void let_in(std::string_view user, Picodollars most);
  // An answer's cost counts at once; the row stays let in until it has ended.
  void pay(std::string_view user, Picodollars cost);
  // REQUIRES: it was let in with `most`.
  void end(std::string_view user, Picodollars most);

  Picodollars spent() const { return all_.spent; }

 private:
  struct Account {
    Picodollars spent = 0, let_in = 0;
  };
  static Verdict judge(const Account& account, Picodollars cap, Picodollars most, Verdict if_never);
  std::optional<Picodollars> cap_of(std::string_view user) const;
  Account& account_of(std::string_view user);

  SpendLimits limits_;
  Account all_;
  std::map<std::string, Account, std::less<>> users_;  // only of users with a cap
};

}  // namespace batchrun

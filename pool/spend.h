// What a run has spent and may still spend, in all and for each user a day (UTC). Pure; one thread.
//
// A row is let in with the most it can cost, and settled with what it did cost: what is spent and what is let
// in together never exceed a cap, so no cap is overshot.
//
// A user's day is shared with earlier runs and with those at the same time. What is let in on it has been
// claimed before, from a ledger all of them see (take_claims, grant), so that a run that is killed leaves
// behind all it can have spent; what was claimed and not needed is given back. A row counts on the day it was
// let in.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pool/price.h"

namespace batchrun {

struct SpendLimits {
  std::optional<Picodollars> run;
  std::optional<Picodollars> each_user;                                  // of users not named below
  std::map<std::string, std::optional<Picodollars>, std::less<>> users;  // nothing: no cap
  bool any() const { return run || each_user || !users.empty(); }
  bool of_users() const { return each_user || !users.empty(); }
};

// A row's place in the sums: whose it is ("" = nobody's, and only the run's cap holds), the most it can cost,
// and the day it is let in.
struct Stake {
  std::string user;
  Picodollars most = 0;
  std::chrono::sys_days day{};
};

// What a run takes from a user's day in the ledger.
struct SpendClaim {
  std::string user;
  std::chrono::sys_days day;
  Picodollars amount = 0;          // negative: given back; 0: what others have claimed is asked
  std::optional<Picodollars> cap;  // of the day; less is granted than would exceed it. Nothing: to be entered
                                   //   as it is, and no grant is waited for
  Picodollars spent = 0;           // by this run on that day, so that others know what will not come back
};

// The answer to one with a cap.
struct SpendGrant {
  std::string user;
  std::chrono::sys_days day;
  Picodollars amount = 0;
  Picodollars total = 0;       // claimed by all runs, with this
  Picodollars may_return = 0;  // of that: by other runs at work, and not spent yet
};

class Spend {
 public:
  enum class Verdict {
    go,
    wait,        // it fits once others have been settled for less than they were let in with, or once more of
                 //   its user's day has been granted, or given back by another run
    run_limit,   // it never fits any more
    user_limit,  // it does not fit what is left of its user's day
  };

  // `shared`: there is a ledger; else only what this run spends counts.
  Spend(SpendLimits limits, bool shared) : limits_(std::move(limits)), shared_(shared) {}

  // Whether any cap holds for `user`'s rows.
  bool capped(std::string_view user) const { return limits_.run || cap_of(user); }

  // Whether the row may be let in. What it lacks of its user's day is wanted from then on.
  Verdict ask(const Stake& stake);
  // Every row that waits is asked about anew.
  void forget_wants();
  void let_in(const Stake& stake);
  // An answer's cost counts at once; the row stays let in until it has ended.
  void pay(const Stake& stake, Picodollars cost);
  // REQUIRES: it was let in.
  void end(const Stake& stake);

  // What is to be said to the ledger now: what is wanted and, if `even_out`, what was claimed and is not
  // needed. To be entered in this order; a claim with a cap is answered by grant().
  std::vector<SpendClaim> take_claims(bool even_out);
  void grant(const SpendGrant& grant);
  bool shared() const { return shared_; }
  // The ledger is lost: what this run knows is all that counts.
  void go_on_alone();

  Picodollars spent() const { return all_.spent; }

 private:
  struct Account {
    Picodollars spent = 0, let_in = 0;
  };
  struct UserDay : Account {
    std::chrono::sys_days day{};
    Picodollars claimed = 0;     // by this run
    Picodollars others = 0;      // claimed by others, as far as known,
    Picodollars may_return = 0;  //   and what of it they may give back
    Picodollars told = 0;        // what the ledger knows to be spent by this run
    bool asked = false;          // a grant is on its way
  };
  static Verdict judge(const Account& account, Picodollars cap, Picodollars most, Verdict if_never);
  std::optional<Picodollars> cap_of(std::string_view user) const;
  UserDay& day_of(const Stake& stake);
  UserDay* day_if_still(const Stake& stake);

  SpendLimits limits_;
  bool shared_;
  Account all_;
  std::map<std::string, UserDay, std::less<>> users_;  // only of users with a cap
  std::map<std::string, Picodollars> wants_;           // by rows that wait
  std::set<std::string> curious_;                      // users whose rows wait for other runs
  std::set<std::string> uneven_;                       // users with claims that may not be needed
};

}  // namespace batchrun

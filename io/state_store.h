// What runs tell each other across restarts, in a small SQLite file that any number of runs may share: what
// each quota group was charged lately, limits that were learned, days that are spent, groups that are one,
// and what was claimed of each user's budget of the day.
//
// Groups and users stand there as salted hashes; no key and no name is in the file. Amounts are added to what
// is there, so that runs on the same keys at the same time both count. Times are the wall clock's, read by
// the caller. A store belongs to one thread at a time. Nothing here throws for what may happen to a file: a
// run goes on without its state.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/credential.h"
#include "io/run_mark.h"
#include "pool/outcome.h"

struct sqlite3;

namespace batchrun {

// What makes a group the same one in another run.
struct GroupIdentity {
  std::string provider;
  std::string origin;  // of its base_url
  std::string name;    // as configured; "" = the group is the key's own
  Credential key;      // tells groups without a name apart
};

// What requests admitted in one second were charged. Saved with negative parts, it gives back.
struct Charge {
  std::chrono::sys_seconds at;  // that second
  double requests = 0;
  double input_tokens = 0;
  double output_tokens = 0;
};

struct LearnedLimit {
  double units = 0;  // per window
  std::chrono::sys_seconds on;
};

// It turned out that a group is the same as another one.
struct SameGroup {
  std::size_t group = 0;  // its place in the list of open()
  std::chrono::sys_seconds on;
};

struct GroupState {
  std::vector<Charge> charges;
  std::array<std::optional<LearnedLimit>, dimensions> learned{};
  std::optional<std::chrono::sys_seconds> out_until;  // the day is spent until then
  std::optional<SameGroup> same_as;

  bool empty() const;  // nothing is known
  // Takes in what is newer: charges come to the others, of the rest the newer one counts.
  void add(const GroupState& news);
};

// A part of somebody's budget for one day. Amounts in the caller's unit.
struct BudgetClaim {
  std::string owner;
  std::chrono::sys_days day;
  std::int64_t amount = 0;          // negative: gives back; 0: only asks
  std::optional<std::int64_t> cap;  // of the day, over all runs; nothing: the amount stands whatever the sum
  std::int64_t spent = 0;           // of all that this run has claimed of the day: it will not come back
};

struct BudgetGrant {
  std::int64_t amount = 0;      // of what was claimed
  std::int64_t total = 0;       // of the day, with it
  std::int64_t may_return = 0;  // of the total: claimed by other runs that are at work, and not spent yet
};

struct StateError {
  std::string message;   // a sentence for people, with the file's path
  bool passing = false;  // somebody else holds the file: worth another try
};

class StateStore {
 public:
  struct Opening;

  // Opens or makes `path` (mode 0600, its directories 0700) and reads what earlier runs left about `groups`.
  static Opening open(const std::string& path, const std::vector<GroupIdentity>& groups,
                      std::chrono::sys_seconds now);

  // Adds charges, replaces learned limits and what groups are one, keeps the later end of a spent day; all or
  // nothing. `news[i]` is about the i-th group of open(). Waits at most half a second for whoever holds the
  // file. Charges of more than two minutes ago are kept by five minutes from then on, and forgotten after 26
  // hours, which is more than any provider's day.
  std::optional<StateError> save(std::span<const GroupState> news, std::chrono::sys_seconds now);

  // Enters the claims in their order, each as far as its cap allows; all or nothing. grants[i] is the answer
  // to claims[i], empty after an error. What a run that is gone has not given back stays claimed: it may have
  // been spent. A day's claims are forgotten two days later. Waits as save() does.
  std::optional<StateError> claim(std::span<const BudgetClaim> claims, std::vector<BudgetGrant>& grants);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  using Database = std::unique_ptr<sqlite3, Closer>;

  StateStore(Database database, RunMark mark, std::string path, std::string salt,
             std::vector<std::string> groups);
  static Opening try_open(const std::string& path, const std::vector<GroupIdentity>& groups,
                          std::chrono::sys_seconds now, bool& damaged);

  Database database_;
  RunMark mark_;
  std::string path_;
  std::string salt_;
  std::vector<std::string> groups_;  // their hashes
};

struct StateStore::Opening {
  std::optional<StateStore> store;  // none: the run goes on without
  // By group, what was charged in the last 26 hours and not later than a minute from now (a clock may have
  // been set back), what was learned, and spent days that have not turned. Of charges kept by five minutes
  // the time is the latest possible. Limits learned and groups found to be one more than 30 days ago are
  // forgotten; of the latter those whose other group is not in the list are left out.
  std::vector<GroupState> known;
  std::string warning;  // a sentence for people, "" = all is well. A damaged file is renamed to
                        // PATH.corrupt-N and replaced; one of a newer version is left as it is.
};

}  // namespace batchrun

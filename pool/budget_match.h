// Which quota groups are one, from what replies say remains of their limits: where two draw on one budget,
// what is sent on the one is missing from what the other has left, unit for unit. One thread.
//
// Groups are compared with those of the same provider, for the same model, that are told the same limit. For
// each of them, from one reply to the next, what remains falls by what it sent itself and by
//
//     sum over all of share * what they sent - refill * time - what they sent a minute ago,
//
// the last two as the server counts, and least squares find the shares: 1 for a group of the same budget, 0
// for any other, and for its own sends what the server charges beyond what we count. They are looked for
// together, as groups that are used at the same moments would pass for each other one by one, and for what is
// charged beyond. Two groups are one when both shares, each seen from the other, are near 1 and surely
// not 0, by five standard errors, over three minutes at least, and hardly anything is left unexplained.
//
// A budget that is hardly used, and of which what remains is always all, tells nothing, and nothing is lost
// by that; nor do requests that all cost the same and go in strict turn.
//
// Measured in tests/sim/shared_quota_test.cpp: two keys of one budget that is fully used are found after 190
// s (token bucket) to 400 s (sliding window), in 1,000 pools of two independent ones none was.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "pool/ids.h"
#include "pool/outcome.h"
#include "pool/permit.h"
#include "pool/time.h"

namespace batchrun {

class BudgetMatch {
 public:
  // A request for that model was admitted.
  void sent(GroupId group, std::uint32_t model, const Cost& cost, TimePoint at);

  // It was charged something else than what sent() was told.
  void corrected(GroupId group, std::uint32_t model, const Cost& told, const Cost& actual,
                 TimePoint admitted_at);

  // A reply to a request of `group`, admitted at `sent_at`, says what remains. Returns the groups that have
  // turned out to draw on the same budget.
  std::vector<GroupId> told(GroupId group, std::uint32_t provider, std::uint32_t model,
                            const ServerLimits& limits, TimePoint sent_at);

  // `from` is `into` from now on. What the others have learned of both is kept, as that of one.
  void merge(GroupId into, GroupId from);

  // Entries kept of what was sent, of all groups: bounded, however much that is.
  std::size_t entries() const;

 private:
  static constexpr TimePoint long_ago{Duration::min() / 2};
  static constexpr std::size_t most_members = 16;  // of a circle: what is worked out grows with its cube
  static constexpr std::size_t causes = 2 * most_members + 1;
  // One entry of what was sent stands for this long: under the spread of delays, which blurs readings anyway,
  // and however fast a group is used, of what is kept of it there are no more than 9,000.
  static constexpr Duration slot = std::chrono::milliseconds(20);

  struct Sent {
    TimePoint at;
    double units;
  };
  // Least squares of how what remains fell beyond what was sent: on what each member sent, on what each sent
  // a minute ago, and on time.
  struct Sums {
    std::vector<double> products;  // of causes with each other
    std::array<double, causes> with_fall{};
    double fall_squared = 0;
    double samples = 0;
    TimePoint since{};  // the first
    void count_as_own(std::size_t member);
    void join(std::size_t into, std::size_t from, std::size_t members);
  };
  struct Member {
    GroupId group;
    std::deque<Sent> sent{};       // of late
    TimePoint told_at = long_ago;  // when the request of the last reading was sent,
    double remaining = 0;          //   and what it said
    Sums sums{};
    std::array<bool, most_members> shares{};  // by member: whether that one's sends are missing here
  };
  // Groups that may be one, as far as a limit of theirs says.
  struct Circle {
    std::uint32_t provider, model;
    Dimension dimension;
    double limit;
    auto operator<=>(const Circle&) const = default;
  };
  using Members = std::vector<Member>;
  using Circles = std::map<Circle, Members>;

  static Member* find(Members& members, GroupId group);
  static void begin_anew(Members& members);
  static void join(Members& members, Member& into, Member& from);
  void leave(GroupId group, Circles::iterator circle);
  Member* enter(GroupId group, const Circle& circle, Members*& members);
  static bool note_fall(const Circle& circle, Members& members, Member& member, double remaining,
                        TimePoint sent_at);
  static void find_shares(const Members& members, Member& member, TimePoint sent_at);

  Circles circles_;
  std::map<GroupId, std::vector<Circles::iterator>> circles_of_;
};

}  // namespace batchrun

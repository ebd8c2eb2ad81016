#include "pool/budget_match.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "pool/quota_group.h"

namespace batchrun {
namespace {

using std::chrono::seconds;

constexpr Duration window = seconds(60);
constexpr Duration kept = seconds(180);
// Requests overtake each other on their way: the longer between two replies, the less that blurs.
constexpr Duration shortest = std::chrono::milliseconds(400), longest = seconds(8);
constexpr Duration watched = 3 * window;  // at least
constexpr double samples_at_first = 32;
constexpr std::uint32_t samples_between = 8;
constexpr double most_samples = 512;  // then older ones count half
constexpr double certain = 5;         // standard errors
constexpr double least_fit = 0.85;    // of what fell beyond what was sent, explained by others
constexpr double least_share = 0.25, near_whole_low = 0.5, near_whole_high = 1.5;
// A rise by more than comes back evenly this many times as fast is the turn of the server's window.
constexpr double steepest_rise = 1.5;

constexpr std::array compared{Dimension::tokens_per_minute, Dimension::input_tokens_per_minute,
                              Dimension::requests_per_minute, Dimension::tokens_per_day,
                              Dimension::requests_per_day};

double window_s(Dimension dimension) {
  return is_per_day(dimension) ? 86'400 : 60;
}

bool makes_sense(const LimitReading& reading) {
  return reading.limit && std::isfinite(*reading.limit) && *reading.limit >= 1 && *reading.remaining >= 0 &&
         *reading.remaining <= *reading.limit;
}

// What was sent after `from`, up to `to`.
template <class List>
double sum(const List& sent, TimePoint from, TimePoint to) {
  double units = 0;
  const auto later = [](TimePoint at, const auto& a) { return at < a.at; };
  for (auto it = std::upper_bound(sent.begin(), sent.end(), from, later); it != sent.end() && it->at <= to;
       ++it) {
    units += it->units;
  }
  return units;
}

// A matrix of sums of products, `size` lines, turned into its inverse; causes that never were stay zero.
// False if some cannot be told from others.
bool invert(std::vector<double>& matrix, std::size_t size) {
  constexpr double indistinct = 1e-6;
  std::vector<double> whole(size);
  for (std::size_t k = 0; k < size; ++k) whole[k] = matrix[k * size + k];
  for (std::size_t k = 0; k < size; ++k) {
    if (whole[k] == 0) continue;
    const double pivot = matrix[k * size + k];
    if (!(pivot > indistinct * whole[k])) return false;
    matrix[k * size + k] = 1;
    for (std::size_t j = 0; j < size; ++j) matrix[k * size + j] /= pivot;
    for (std::size_t i = 0; i < size; ++i) {
      if (i == k) continue;
      const double factor = std::exchange(matrix[i * size + k], 0);
      for (std::size_t j = 0; j < size; ++j) matrix[i * size + j] -= factor * matrix[k * size + j];
    }
  }
  return true;
}

}  // namespace

BudgetMatch::Member* BudgetMatch::find(Members& members, GroupId group) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.group == group; });
  return found == members.end() ? nullptr : &*found;
}

void BudgetMatch::begin_anew(Members& members) {
  for (Member& member : members) {
    member.told_at = long_ago;
    member.sums = {};
    member.shares = {};
  }
}

void BudgetMatch::leave(GroupId group, Circles::iterator circle) {
  std::erase_if(circle->second, [&](const Member& member) { return member.group == group; });
  begin_anew(circle->second);
  if (circle->second.empty()) circles_.erase(circle);
}

// What that member sent was the group's own all along, and needs no explanation.
void BudgetMatch::Sums::count_as_own(std::size_t member) {
  fall_squared += products[member * causes + member] - 2 * with_fall[member];
  for (std::size_t i = 0; i < causes; ++i) with_fall[i] -= products[i * causes + member];
}

// Two members are one: sums of products with what both sent are those with the one plus those with the other.
void BudgetMatch::Sums::join(std::size_t into, std::size_t from, std::size_t members) {
  const auto place = [&](std::size_t cause) {
    const std::size_t ago = cause / members, member = cause % members;  // time comes after both
    if (ago == 2) return 2 * (members - 1);
    const std::size_t now = member == from ? into : member;
    return ago * (members - 1) + now - (now > from);
  };
  std::vector<double> products_before(causes * causes);
  std::array<double, causes> with_fall_before{};
  products.swap(products_before);
  std::swap(with_fall, with_fall_before);
  products.resize(causes * causes);
  for (std::size_t i = 0; i <= 2 * members; ++i) {
    with_fall[place(i)] += with_fall_before[i];
    for (std::size_t j = 0; j <= 2 * members; ++j) {
      products[place(i) * causes + place(j)] += products_before[i * causes + j];
    }
  }
}

void BudgetMatch::join(Members& members, Member& into, Member& from) {
  const auto own = static_cast<std::size_t>(&into - members.data());
  const auto other = static_cast<std::size_t>(&from - members.data());
  if (into.sums.samples > 0) into.sums.count_as_own(other);
  for (Member& member : members) {
    if (member.sums.samples > 0) member.sums.join(own, other, members.size());
    member.shares = {};
  }
  std::deque<Sent> sent;
  std::merge(into.sent.begin(), into.sent.end(), from.sent.begin(), from.sent.end(), std::back_inserter(sent),
             [](const Sent& a, const Sent& b) { return a.at < b.at; });
  into.sent = std::move(sent);
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(other));
}

void BudgetMatch::merge(GroupId into, GroupId from) {
  std::vector<Circles::iterator> joined;
  for (const Circles::iterator circle : circles_of_[from]) {
    Member* const ours = find(circle->second, into);
    if (ours == nullptr) {
      leave(from, circle);
      continue;
    }
    join(circle->second, *ours, *find(circle->second, from));
    joined.push_back(circle);
  }
  circles_of_.erase(from);
  std::erase_if(circles_of_[into], [&](Circles::iterator circle) {
    if (std::find(joined.begin(), joined.end(), circle) != joined.end()) return false;
    leave(into, circle);
    return true;
  });
}

// The group's place in the circle of its limit, if there is one; it leaves that of another limit.
BudgetMatch::Member* BudgetMatch::enter(GroupId group, const Circle& circle, Members*& members) {
  const auto at = circles_.try_emplace(circle).first;
  members = &at->second;
  if (Member* const member = find(*members, group)) return member;
  if (members->size() == most_members) return nullptr;
  auto& its = circles_of_[group];
  std::erase_if(its, [&](Circles::iterator other) {
    if (other->first.model != circle.model || other->first.dimension != circle.dimension) return false;
    leave(group, other);
    return true;
  });
  its.push_back(at);
  begin_anew(*members);
  return &members->emplace_back(Member{.group = group});
}

void BudgetMatch::sent(GroupId group, std::uint32_t model, const Cost& cost, TimePoint at) {
  const auto its = circles_of_.find(group);
  if (its == circles_of_.end()) return;
  for (const Circles::iterator circle : its->second) {
    if (circle->first.model != model || circle->second.size() == 1) continue;
    std::deque<Sent>& sent = find(circle->second, group)->sent;
    const double units = amount(cost, circle->first.dimension);
    if (!sent.empty() && at < sent.back().at + slot) {
      sent.back().units += units;
      continue;
    }
    sent.push_back({at, units});
    while (sent.front().at < at - kept) sent.pop_front();
  }
}

void BudgetMatch::corrected(GroupId group, std::uint32_t model, const Cost& told, const Cost& actual,
                            TimePoint admitted_at) {
  const auto its = circles_of_.find(group);
  if (its == circles_of_.end() || told == actual) return;
  for (const Circles::iterator circle : its->second) {
    if (circle->first.model != model) continue;
    std::deque<Sent>& sent = find(circle->second, group)->sent;
    const auto later = std::upper_bound(sent.begin(), sent.end(), admitted_at,
                                        [](TimePoint at, const Sent& a) { return at < a.at; });
    if (later == sent.begin() || admitted_at >= std::prev(later)->at + slot) continue;
    std::prev(later)->units +=
        amount(actual, circle->first.dimension) - amount(told, circle->first.dimension);
  }
}

// Takes in how far what remains has fallen since the member's last reading, if the request was sent later.
// Returns whether that tells something.
bool BudgetMatch::note_fall(const Circle& circle, Members& members, Member& member, double remaining,
                            TimePoint sent_at) {
  if (sent_at < member.told_at + shortest) return false;
  const TimePoint before = std::exchange(member.told_at, sent_at);
  const double fallen = std::exchange(member.remaining, remaining) - remaining;
  if (sent_at > before + longest) return false;
  const double took_s = batchrun::seconds(sent_at - before);
  const double most_risen = steepest_rise * circle.limit * took_s / window_s(circle.dimension) + 1;
  if (fallen < -most_risen) return false;

  const std::size_t size = members.size();
  std::array<double, causes> came{};
  for (std::size_t i = 0; i < size; ++i) {
    const std::deque<Sent>& sent = members[i].sent;
    came[i] = sum(sent, before, sent_at);
    if (!is_per_day(circle.dimension)) came[size + i] = -sum(sent, before - window, sent_at - window);
  }
  came[2 * size] = -took_s;
  const double unexplained = fallen - sum(member.sent, before, sent_at);
  Sums& sums = member.sums;
  sums.products.resize(causes * causes);
  for (std::size_t i = 0; i <= 2 * size; ++i) {
    for (std::size_t j = 0; j <= 2 * size; ++j) sums.products[i * causes + j] += came[i] * came[j];
    sums.with_fall[i] += came[i] * unexplained;
  }
  sums.fall_squared += unexplained * unexplained;
  if (sums.samples == 0) sums.since = sent_at;
  sums.samples += 1;
  return true;
}

void BudgetMatch::find_shares(const Members& members, Member& member, TimePoint sent_at) {
  const std::size_t size = 2 * members.size() + 1;
  Sums& sums = member.sums;
  std::vector<double> inverse(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) inverse[i * size + j] = sums.products[i * causes + j];
  }
  member.shares = {};
  if (sent_at < sums.since + watched || !invert(inverse, size)) return;
  std::array<double, causes> shares{};
  double left = sums.fall_squared;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) shares[i] += inverse[i * size + j] * sums.with_fall[j];
    left -= shares[i] * sums.with_fall[i];
  }
  const double noise = std::max(left, 0.0) / (sums.samples - static_cast<double>(size));
  if (left > (1 - least_fit) * sums.fall_squared) return;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const double error = std::sqrt(noise * std::max(inverse[i * size + i], 0.0));
    member.shares[i] = &members[i] != &member && shares[i] > near_whole_low && shares[i] < near_whole_high &&
                       shares[i] - certain * error > least_share;
  }
  if (sums.samples < most_samples) return;
  for (double& product : sums.products) product /= 2;
  for (double& product : sums.with_fall) product /= 2;
  sums.fall_squared /= 2;
  sums.samples /= 2;
}

std::size_t BudgetMatch::entries() const {
  std::size_t entries = 0;
  for (const auto& [circle, members] : circles_) {
    for (const Member& member : members) entries += member.sent.size();
  }
  return entries;
}

std::vector<GroupId> BudgetMatch::told(GroupId group, std::uint32_t provider, std::uint32_t model,
                                       const ServerLimits& limits, TimePoint sent_at) {
  std::vector<GroupId> same;
  for (const Dimension dimension : compared) {
    const LimitReading& reading = limits[dimension];
    if (!reading.remaining || !makes_sense(reading)) continue;
    const Circle circle{provider, model, dimension, *reading.limit};
    Members* members = nullptr;
    Member* const member = enter(group, circle, members);
    if (member == nullptr || members->size() == 1) continue;
    if (!note_fall(circle, *members, *member, *reading.remaining, sent_at)) continue;
    const double enough = samples_at_first + 4 * static_cast<double>(members->size());
    const auto samples = static_cast<std::uint32_t>(member->sums.samples);
    if (samples < enough || samples % samples_between != 0) continue;
    find_shares(*members, *member, sent_at);
    const auto own = static_cast<std::size_t>(member - members->data());
    for (std::size_t i = 0; i < members->size(); ++i) {
      if (member->shares[i] && (*members)[i].shares[own]) same.push_back((*members)[i].group);
    }
  }
  std::sort(same.begin(), same.end());
  same.erase(std::unique(same.begin(), same.end()), same.end());
  return same;
}

}  // namespace batchrun

// Whole runs, from the first start to the last, with everything that can go wrong on the way: the real
// feeder, shard, scheduler, dialects, validator, writer and recovery against the simulated provider, on a
// network and a disk in memory, in virtual time.
#include "tests/story/story.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "tests/support/effort.h"

namespace batchrun::story {
namespace {

// A circuit that is open is tried once a minute. A limit that storms of 429s have taught is asked too little
// for longer, seldom.
constexpr double usual_silence_s = 61, longest_silence_s = 600;

// BATCHRUN_STORIES=100000 is a long form.
std::uint64_t seeds() {
  const char* const given = std::getenv("BATCHRUN_STORIES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : seeds_of(500);
}

// BATCHRUN_SEED=n tells that story alone, and all of it.
std::optional<std::uint64_t> chosen_seed() {
  const char* one = std::getenv("BATCHRUN_SEED");
  return one != nullptr ? std::optional(std::strtoull(one, nullptr, 10)) : std::nullopt;
}

void print(const Plan& plan, const Verdict& verdict) {
  fmt::print("{}\n", plan.config);
  for (const ProviderPlan& provider : plan.providers) {
    for (const mock::FaultRule& rule : provider.scenario.faults) {
      fmt::print("{}: {} p {:.3f} {:.3f} to {:.3f} s {} {}\n", provider.host, mock::name(rule.kind),
                 rule.probability, rule.from_s, rule.until_s, rule.organisation, rule.key);
    }
    for (const Outage& outage : provider.outages) {
      fmt::print("{}: out {:.3f} to {:.3f} s{}\n", provider.host, seconds(outage.span.from),
                 seconds(outage.span.to), outage.silent ? ", silent" : "");
    }
  }
  for (std::size_t i = 0; i < plan.lives.size(); ++i) {
    const LifePlan& life = plan.lives[i];
    fmt::print("life {}:{}{}{}{}{}{}{}\n", i, life.retry_failed ? " --retry-failed" : "",
               life.fresh ? " --fresh" : "",
               life.max_cost ? fmt::format(" --max-cost {}", *life.max_cost) : "",
               life.killed_after ? fmt::format(" killed after {:.3f} s", seconds(*life.killed_after)) : "",
               life.killed_at_call ? fmt::format(" killed at call {}", *life.killed_at_call) : "",
               life.power_fails ? ", power fails with it" : "",
               life.signal_after ? fmt::format(" SIGTERM after {:.3f} s", seconds(*life.signal_after)) : "");
  }
  for (const RowPlan& row : plan.rows) fmt::print("{}\n", row.line);
  const TimePoint start = ManualClock().now();
  for (const Sent& sent : verdict.account) {
    fmt::print("life {} {:8.3f} to {:8.3f} s {} at {}: {}{}{}\n", sent.life, seconds(sent.at - start),
               seconds(sent.ended_at - start), sent.row, plan.providers[sent.provider].host, sent.status,
               sent.answered ? " answered" : "", sent.aborted ? " aborted" : "");
  }
  fmt::print("{}", verdict.errors);
}

// Of all stories together.
struct Sums {
  std::size_t lives = 0, killed = 0, killed_in_recovery = 0, interrupted = 0, disk_failed = 0;
  std::size_t stopped = 0, retried = 0, fresh = 0;
  std::size_t rows = 0, failed = 0, spent = 0, sent = 0, answered = 0, repeated = 0;
  std::uint64_t admitted = 0, refused = 0;
  std::uint64_t overrun = 0;  // refused, and not for what a process that was killed had sent last
  std::size_t silent = 0, days_waited = 0;  // stories with an unusual silence; times
  double hours = 0, longest_life_s = 0, longest_silence_s = 0;

  void add(const Verdict& v) {
    lives += v.lives;
    killed += v.killed;
    killed_in_recovery += v.killed_in_recovery;
    interrupted += v.interrupted;
    disk_failed += v.disk_failed;
    stopped += v.stopped;
    retried += v.retried;
    fresh += v.fresh;
    rows += v.rows;
    failed += v.rows_failed;
    spent += v.rows_spent;
    sent += v.account.size();
    answered += v.answered;
    repeated += v.repeated;
    admitted += v.admitted;
    refused += v.refused;
    overrun += v.refused - std::min<std::uint64_t>(v.refused, v.unknown);
    silent += v.longest_silence_s > usual_silence_s && v.days_waited == 0;
    days_waited += v.days_waited;
    hours += v.seconds / 3600;
    longest_life_s = std::max(longest_life_s, v.longest_life_s);
    longest_silence_s = std::max(longest_silence_s, v.longest_silence_s);
  }

  std::string text() const {
    return fmt::format(
        "{} lives: {} killed ({} of them while recovering), {} interrupted, {} failed by the disk, {} "
        "stopped by "
        "a limit of their own, {} with --retry-failed and {} with --fresh came to their end\n"
        "{} rows: {} failed, {} of them good ones out of attempts\n"
        "{} requests, {} admitted, {} refused by a limit ({} of them not after a kill), {} answered, {} of "
        "these for the second time\n"
        "{:.1f} virtual hours, the longest life {:.0f} s, the longest silence {:.1f} s, {} days waited for\n",
        lives, killed, killed_in_recovery, interrupted, disk_failed, stopped, retried, fresh, rows, failed,
        spent, sent, admitted, refused, overrun, answered, repeated, hours, longest_life_s, longest_silence_s,
        days_waited);
  }
};

Verdict checked(std::uint64_t seed) {
  Verdict verdict = tell(draw(seed));
  for (const std::string& what : verdict.violations) {
    ADD_FAILURE() << what << "; BATCHRUN_SEED=" << seed << " replays this";
  }
  EXPECT_LE(verdict.longest_silence_s, longest_silence_s) << "BATCHRUN_SEED=" << seed << " replays this";
  return verdict;
}

TEST(Story, EndsWithOneTrueLineForEachRow) {
  if (const auto seed = chosen_seed()) return print(draw(*seed), checked(*seed));
  Sums sums;
  for (std::uint64_t seed = 1; seed <= seeds() && !HasFailure(); ++seed) sums.add(checked(seed));
  if (HasFailure()) return;
  fmt::print("{}", sums.text());
  const auto some = static_cast<double>(seeds());
  EXPECT_LE(static_cast<double>(sums.overrun), 0.001 * static_cast<double>(sums.admitted));
  EXPECT_LE(static_cast<double>(sums.spent), 0.001 * static_cast<double>(sums.rows));
  EXPECT_LE(static_cast<double>(sums.silent), 0.001 * some + 1);
  EXPECT_GT(static_cast<double>(sums.killed), 0.5 * some) << "nothing is tried any more";
  EXPECT_GT(static_cast<double>(sums.killed_in_recovery), 0.05 * some);
  EXPECT_GT(static_cast<double>(sums.disk_failed), 0.1 * some);
  EXPECT_GT(static_cast<double>(sums.stopped), 0.02 * some);
  EXPECT_GT(static_cast<double>(sums.days_waited), 0.01 * some - 1);
  EXPECT_GT(static_cast<double>(sums.retried), 0.1 * some);
  EXPECT_GT(static_cast<double>(sums.fresh), 0.01 * some - 1);  // too rare for a few stories
}

TEST(Story, TheSameSeedIsTheSameStory) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= seeds_of(10); ++seed) {
    const std::uint64_t trace = tell(draw(seed)).trace;
    EXPECT_EQ(trace, tell(draw(seed)).trace) << "seed " << seed;
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), seeds_of(10));
}

// What the other test counts on: a pool that believes in larger limits is refused.
TEST(Story, TheProvidersKeepTheirLimitsThemselves) {
  Sums sums;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plan plan = draw(seed);
    for (ProviderPlan& provider : plan.providers) {
      provider.scenario.rate_limit_headers = false;
      for (auto& [name, organisation] : provider.scenario.organisations) {
        if (organisation.limits.rpm) *organisation.limits.rpm /= 3;
      }
    }
    sums.add(tell(plan));
  }
  EXPECT_GT(static_cast<double>(sums.refused), 0.01 * static_cast<double>(sums.admitted)) << sums.text();
}

}  // namespace
}  // namespace batchrun::story

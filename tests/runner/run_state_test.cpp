#include "runner/run_state.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <thread>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

using namespace std::chrono;

constexpr Moment start{sys_days(2026y / November / 22) + 12h + 250ms, TimePoint(48h)};
constexpr sys_seconds noon = sys_days(2026y / November / 22) + 12h;

// Two keys of one configured group and one key of its own.
Settings settings_with_groups() {
  Settings settings;
  Provider provider;
  provider.name = "openai";
  provider.endpoint.origin.host = "api.openai.com";
  settings.providers.push_back(std::move(provider));
  settings.keys.push_back({0, "openai-1", Credential("sk-canary-1"), {}, {}, "org-a"});
  settings.keys.push_back({0, "openai-2", Credential("sk-canary-2"), {}, {}, "org-a"});
  settings.keys.push_back({0, "openai-3", Credential("sk-canary-3"), {}, {}, ""});
  settings.pool.groups.resize(2);
  settings.pool.keys = {{"openai-1", GroupId{0}}, {"openai-2", GroupId{0}}, {"openai-3", GroupId{1}}};
  return settings;
}

GroupHistory sent(TimePoint at, const Cost& cost) {
  GroupHistory history;
  history.sent.push_back({at, cost});
  return history;
}

double requests(const GroupHistory& history) {
  double sum = 0;
  for (const SentSlot& slot : history.sent) sum += slot.cost.requests;
  return sum;
}

TEST(StatePath, IsUnderTheStateDirectoryElseUnderHome) {
  EXPECT_EQ(state_path({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}), "/s/batchrun/state.db");
  EXPECT_EQ(state_path({{"HOME", "/h"}}), "/h/.local/state/batchrun/state.db");
  EXPECT_EQ(state_path({{"XDG_STATE_HOME", "relative"}, {"HOME", "/h"}}),
            "/h/.local/state/batchrun/state.db");
  EXPECT_EQ(state_path({}), "");
}

TEST(History, OfEarlierRunsLiesBeforeTheStartOnThePoolsClock) {
  GroupState state;
  state.charges = {{noon - 30s, 2, 100, 50}, {noon - 20h, 1, 7, 0}};
  state.learned[1] = LearnedLimit{90'000, noon - days(3)};
  state.out_until = noon + 1h;
  const GroupHistory history = history_of(state, start);
  ASSERT_EQ(history.sent.size(), 2U);
  EXPECT_EQ(history.sent[0].at, start.pool - 30s - 250ms);
  EXPECT_EQ(history.sent[0].cost, (Cost{2, 100, 50}));
  EXPECT_EQ(history.sent[1].at, start.pool - 20h - 250ms);
  EXPECT_EQ(history.learned_limits[1], 90'000);
  EXPECT_EQ(history.learned_limits[0], std::nullopt);
  EXPECT_EQ(history.out_until, start.pool + 1h - 250ms);
}

TEST(History, TellsBothWaysWhichGroupsAreOne) {
  GroupHistory history;
  history.same_as = {GroupId{3}, noon};
  const GroupHistory again = history_of(state_of(history, start), start);
  ASSERT_TRUE(again.same_as);
  EXPECT_EQ(again.same_as->group, GroupId{3});
  EXPECT_EQ(again.same_as->on, noon);
}

TEST(History, OfAClockThatWasAheadIsAsRecentAsCanBe) {
  GroupState state;
  state.charges = {{noon + 40s, 1, 0, 0}, {noon, 1, 0, 0}};
  for (const SentSlot& slot : history_of(state, start).sent) EXPECT_EQ(slot.at, start.pool - 1s);
}

TEST(History, GoesToTheFileAndBackWithoutGettingOlder) {
  GroupHistory history = sent(start.pool + 5s, {3, 30, -4});
  history.learned_limits[4] = 1000;
  history.out_until = start.pool + 2h;
  const Moment later{start.wall + 10s, start.pool + 10s};
  const GroupState state = state_of(history, later);
  ASSERT_EQ(state.charges.size(), 1U);
  EXPECT_EQ(state.charges[0].at, noon + 6s) << "noon + 5.25 s, rounded up";
  EXPECT_EQ(state.charges[0].requests, 3);
  EXPECT_EQ(state.charges[0].input_tokens, 30);
  EXPECT_EQ(state.charges[0].output_tokens, -4);
  EXPECT_EQ(state.learned[4]->units, 1000);
  EXPECT_EQ(state.learned[4]->on, noon + 11s);
  EXPECT_EQ(state.out_until, noon + 2h + 1s);

  const Moment next_run{start.wall + 20s, TimePoint(48h)};
  const GroupHistory restored = history_of(state, next_run);
  EXPECT_EQ(restored.sent[0].at, next_run.pool - 15s + 750ms);
  EXPECT_GE(restored.out_until, next_run.pool + 2h - 20s);
}

// Another program's hold on the file.
class Lock {
 public:
  explicit Lock(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Lock() { sqlite3_close(database_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

class RunStateTest : public testing::Test {
 protected:
  // A run that sends this and ends.
  void run(const std::vector<std::vector<GroupHistory>>& batches) {
    Settings settings = settings_with_groups();
    RunState state(path_, settings, read_clocks());
    StateLink link(4);
    std::thread saving([&] { state.run(link); });
    for (const auto& batch : batches) link.news.put({batch, {}}, 1);
    link.news.close();
    saving.join();
    EXPECT_EQ(state.take_warning(), "");
  }

  const ScratchDir scratch_;
  const std::string path_ = scratch_.path() + "/batchrun/state.db";
};

TEST_F(RunStateTest, TheFirstRunHasNothingToRestoreAndKeepsItsHistory) {
  Settings settings = settings_with_groups();
  const RunState state(path_, settings, read_clocks());
  EXPECT_TRUE(settings.pool.settings.keep_history);
  EXPECT_TRUE(settings.notices.empty());
  for (const GroupSpec& group : settings.pool.groups) EXPECT_TRUE(group.history.sent.empty());
}

TEST_F(RunStateTest, TheNextRunFindsEachGroupsHistory) {
  const TimePoint now = read_clocks().pool;
  GroupHistory learned = sent(now - 3s, {1, 10, 5});
  learned.learned_limits[0] = 60;
  learned.out_until = now + 1h;
  run({{sent(now - 5s, {2, 0, 0}), {}}, {learned, sent(now - 1s, {7, 0, 0})}, {{}, sent(now, {1, 0, 0})}});

  Settings settings = settings_with_groups();
  const Moment next = read_clocks();
  const RunState state(path_, settings, next);
  const GroupHistory& first = settings.pool.groups[0].history;
  const GroupHistory& second = settings.pool.groups[1].history;
  EXPECT_EQ(requests(first), 3);
  EXPECT_EQ(first.learned_limits[0], 60);
  ASSERT_TRUE(first.out_until.has_value());
  EXPECT_LE(abs(*first.out_until - (now + 1h)), 2s);
  EXPECT_EQ(requests(second), 8);
  EXPECT_FALSE(second.out_until.has_value());
  for (const SentSlot& slot : first.sent) {
    EXPECT_LT(slot.at, next.pool);
    EXPECT_GE(slot.at, now - 5s) << "never older than it was";
  }
}

TEST_F(RunStateTest, AGroupIsTheSameWhereverItStandsInTheConfig) {
  const TimePoint now = read_clocks().pool;
  run({{sent(now, {2, 0, 0}), sent(now, {7, 0, 0})}});
  Settings settings = settings_with_groups();
  std::swap(settings.keys[0], settings.keys[2]);
  std::swap(settings.pool.keys[0].group, settings.pool.keys[2].group);
  settings.pool.groups.resize(3);
  settings.pool.keys[0].group = GroupId{2};
  const RunState state(path_, settings, read_clocks());
  EXPECT_EQ(requests(settings.pool.groups[0].history), 2);
  EXPECT_EQ(requests(settings.pool.groups[1].history), 0);
  EXPECT_EQ(requests(settings.pool.groups[2].history), 7);
}

TEST_F(RunStateTest, FollowsTheWallClockWhenItIsSetOrTheMachineSlept) {
  const TimePoint sent_at = read_clocks().pool;
  {
    Settings settings = settings_with_groups();
    Moment before = read_clocks();
    before.wall -= 8h;
    RunState state(path_, settings, before);
    StateLink link(4);
    link.news.put({{sent(sent_at, {1, 0, 0}), {}}, {}}, 1);
    link.news.close();
    state.run(link);
  }
  Settings settings = settings_with_groups();
  const RunState next(path_, settings, read_clocks());
  ASSERT_EQ(requests(settings.pool.groups[0].history), 1);
  EXPECT_LE(abs(settings.pool.groups[0].history.sent[0].at - sent_at), 2s);
}

TEST_F(RunStateTest, WithoutADirectoryOrFileTheRunKeepsNothingAndSaysSo) {
  scratch_.write("batchrun", "a file in the way");
  for (const std::string& path : {std::string(), path_}) {
    Settings settings = settings_with_groups();
    RunState state(path, settings, read_clocks());
    EXPECT_FALSE(settings.pool.settings.keep_history);
    ASSERT_EQ(settings.notices.size(), 1U);
    StateLink link(4);
    link.news.put({{sent(TimePoint(1h), {1, 0, 0}), {}}, {}}, 1);
    state.run(link);
    EXPECT_FALSE(link.news.put({{{}, {}}, {}}, 1)) << "nobody takes it";
    EXPECT_TRUE(link.grants.ended()) << "and nobody grants anything";
  }
}

TEST_F(RunStateTest, SavesAfterALockWhatCameDuringIt) {
  Settings settings = settings_with_groups();
  RunState state(path_, settings, read_clocks());
  StateLink link(4);
  Settings others = settings_with_groups();
  const TimePoint now = read_clocks().pool;
  {
    std::optional<Lock> lock(path_);
    link.news.put({{sent(now, {1, 0, 0}), {}}, {}}, 1);
    std::thread saving([&] { state.run(link); });
    std::string warning;
    for (int i = 0; i < 1000 && warning.empty(); ++i) {
      warning = state.take_warning();
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_NE(warning.find("locked by another program"), std::string::npos) << warning;
    lock.reset();
    link.news.put({{sent(now, {2, 0, 0}), {}}, {}}, 1);
    link.news.close();
    saving.join();
  }
  EXPECT_EQ(state.take_warning(), "");
  const RunState next(path_, others, read_clocks());
  EXPECT_EQ(requests(others.pool.groups[0].history), 3);
}

TEST_F(RunStateTest, ClaimsAreGrantedOnceTheyStandInTheFile) {
  const sys_days today = floor<days>(system_clock::now());
  Settings settings = settings_with_groups();
  RunState state(path_, settings, read_clocks());
  StateLink link(4);
  link.news.put({{}, {{"ann", today, 60, 100}, {"bob", today, 7, {}}, {"ann", today, 70, 100}}}, 0);
  link.news.close();
  state.run(link);
  const auto grants = link.grants.try_pop();
  ASSERT_TRUE(grants.has_value());
  ASSERT_EQ(grants->size(), 2u) << "what has no cap is no question";
  EXPECT_EQ((*grants)[0].amount, 60);
  EXPECT_EQ((*grants)[1].amount, 40);
  EXPECT_EQ((*grants)[1].total, 100);
  EXPECT_EQ((*grants)[1].user, "ann");
  EXPECT_EQ((*grants)[1].day, today);
  EXPECT_TRUE(link.grants.ended());
}

TEST_F(RunStateTest, ClaimsWaitForALockAndKeepTheirOrder) {
  const sys_days today = floor<days>(system_clock::now());
  Settings settings = settings_with_groups();
  RunState state(path_, settings, read_clocks());
  StateLink link(4);
  std::optional<Lock> lock(path_);
  link.news.put({{}, {{"ann", today, 60, 100}}}, 0);
  std::thread saving([&] { state.run(link); });
  while (state.take_warning().empty()) std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(link.grants.try_pop().has_value());
  link.news.put({{}, {{"ann", today, -60, {}}}}, 0);
  lock.reset();
  const auto grants = link.grants.pop(10s);
  ASSERT_TRUE(grants.has_value());
  EXPECT_EQ(grants->at(0).amount, 60);
  EXPECT_EQ(grants->at(0).total, 60);
  link.news.close();
  saving.join();
}

}  // namespace
}  // namespace batchrun

#include "io/state_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

using namespace std::chrono;

constexpr sys_seconds noon = sys_days(2026y / November / 22) + 12h;
constexpr const char* secret = "sk-canary-7f3a9c-long-enough-to-find";

GroupIdentity named(const std::string& name) {
  return {"openai", "https://api.openai.com:443", name, Credential("sk-any")};
}
GroupIdentity keyed(const std::string& key) {
  return {"openai", "https://api.openai.com:443", "", Credential(key)};
}

GroupState charged(sys_seconds at, double requests, double input, double output) {
  GroupState state;
  state.charges.push_back({at, requests, input, output});
  return state;
}

// One group in one file.
class StateStoreTest : public testing::Test {
 protected:
  StateStore::Opening open(sys_seconds now = noon, const GroupIdentity& group = named("org-a")) const {
    return StateStore::open(path_, {group}, now);
  }
  // An opening that must go well.
  StateStore store(sys_seconds now = noon, const GroupIdentity& group = named("org-a")) const {
    StateStore::Opening opening = open(now, group);
    EXPECT_EQ(opening.warning, "");
    EXPECT_TRUE(opening.store.has_value());
    return std::move(*opening.store);
  }
  GroupState known(sys_seconds now = noon, const GroupIdentity& group = named("org-a")) const {
    return open(now, group).known.at(0);
  }
  static Charge sum(const GroupState& state) {
    Charge total{};
    for (const Charge& charge : state.charges) {
      total.requests += charge.requests;
      total.input_tokens += charge.input_tokens;
      total.output_tokens += charge.output_tokens;
    }
    return total;
  }
  static void save(StateStore& into, const GroupState& news, sys_seconds now = noon) {
    const std::optional<StateError> error = into.save({&news, 1}, now);
    EXPECT_FALSE(error.has_value()) << error->message;
  }
  mode_t mode(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat(name.c_str(), &status), 0) << name;
    return status.st_mode & 0777;
  }

  const ScratchDir scratch_;
  const std::string path_ = scratch_.path() + "/home/state/batchrun/state.db";
  const std::string name_ = "home/state/batchrun/state.db";
};

// A connection that is not the store's.
class Other {
 public:
  explicit Other(const std::string& path) { EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK); }
  ~Other() { sqlite3_close(database_); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  void run(const char* sql) {
    EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_);
  }
  int number(const char* sql) {
    int found = -1;
    const auto keep = [](void* into, int, char** values, char**) {
      *static_cast<int*>(into) = std::atoi(values[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_, sql, keep, &found, nullptr), SQLITE_OK) << sqlite3_errmsg(database_);
    return found;
  }

 private:
  sqlite3* database_ = nullptr;
};

TEST_F(StateStoreTest, TellsTheNextRunWhatThisOneSaved) {
  const auto requests_per_day = static_cast<std::size_t>(Dimension::requests_per_day);
  {
    StateStore first = store();
    GroupState news;
    news.charges = {{noon - 3s, 2, 100, 50}, {noon - 1s, 1, 10, 5}};
    news.learned[requests_per_day] = LearnedLimit{500, noon};
    news.out_until = noon + 3h;
    save(first, news);
    save(first, charged(noon - 1s, 1, 20, 0));
  }
  const GroupState found = known(noon + 5s);
  ASSERT_EQ(found.charges.size(), 2U);
  EXPECT_EQ(found.charges[0].at, noon - 3s);
  EXPECT_EQ(found.charges[0].requests, 2);
  EXPECT_EQ(found.charges[1].at, noon - 1s);
  EXPECT_EQ(found.charges[1].requests, 2);
  EXPECT_EQ(found.charges[1].input_tokens, 30);
  EXPECT_EQ(found.charges[1].output_tokens, 5);
  for (std::size_t i = 0; i < dimensions; ++i) EXPECT_EQ(found.learned[i].has_value(), i == requests_per_day);
  EXPECT_EQ(found.learned[requests_per_day]->units, 500);
  EXPECT_EQ(found.learned[requests_per_day]->on, noon);
  EXPECT_EQ(found.out_until, noon + 3h);
}

TEST_F(StateStoreTest, AddsWhatRunsOnTheSameKeysSaveAtTheSameTime) {
  StateStore one = store();
  StateStore other = store();
  save(one, charged(noon, 1, 10, 1));
  save(other, charged(noon, 2, 20, 2));
  save(one, charged(noon, 3, 30, 3));
  const Charge total = sum(known());
  EXPECT_EQ(total.requests, 6);
  EXPECT_EQ(total.input_tokens, 60);
  EXPECT_EQ(total.output_tokens, 6);
}

TEST_F(StateStoreTest, GivesBackWhatWasReservedTooMuchButNeverMore) {
  StateStore one = store();
  save(one, charged(noon, 1, 10, 500));
  save(one, charged(noon, 0, 2, -460));
  EXPECT_EQ(sum(known()).output_tokens, 40);
  EXPECT_EQ(sum(known()).input_tokens, 12);
  save(one, charged(noon, 0, 0, -90));
  EXPECT_EQ(sum(known()).output_tokens, 0);
  EXPECT_EQ(sum(known()).input_tokens, 12);
}

TEST_F(StateStoreTest, KeepsOldChargesByFiveMinutesAtTheirLatest) {
  StateStore one = store();
  const sys_seconds slot = noon;  // begins five minutes
  GroupState news;
  for (int i = 0; i < 400; ++i) news.charges.push_back({slot + i * 1s, 1, 2, 3});
  save(one, news, slot + 399s);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM charged WHERE span = 1"), 121);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM charged"), 122);
  save(one, charged(slot + 10s, 0, -1, -1), slot + 399s);  // a late settle

  const GroupState soon = known(slot + 399s);
  EXPECT_EQ(soon.charges.size(), 122U);
  EXPECT_EQ(sum(soon).requests, 400);
  EXPECT_EQ(sum(soon).output_tokens, 1199);
  for (const Charge& charge : soon.charges) {
    if (charge.requests > 1) {
      EXPECT_EQ(charge.at, slot + 279s) << "nothing of it is of the last two minutes";
    }
  }

  save(one, {}, slot + 1h);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM charged WHERE span = 1"), 0);
  const GroupState later = known(slot + 1h);
  ASSERT_EQ(later.charges.size(), 2U);
  EXPECT_EQ(later.charges[0].at, slot + 299s);
  EXPECT_EQ(later.charges[0].requests, 300);
  EXPECT_EQ(later.charges[1].at, slot + 599s);
  EXPECT_EQ(sum(later).requests, 400);
  EXPECT_EQ(sum(later).input_tokens, 799);
}

TEST_F(StateStoreTest, ForgetsWhatIsOlderThanAnyDay) {
  StateStore one = store();
  const auto tokens_per_minute = static_cast<std::size_t>(Dimension::tokens_per_minute);
  GroupState news = charged(noon, 1, 1, 1);
  news.out_until = noon + 2h;
  news.learned[tokens_per_minute] = LearnedLimit{9000, noon};
  save(one, news);
  EXPECT_EQ(sum(known(noon + 25h)).requests, 1);
  EXPECT_EQ(known(noon + 2h - 1s).out_until, noon + 2h);
  EXPECT_EQ(known(noon + 2h).out_until, std::nullopt);
  EXPECT_TRUE(known(noon + 26h + 5min).charges.empty());
  EXPECT_TRUE(known(noon + days(30)).learned[tokens_per_minute].has_value());
  EXPECT_FALSE(known(noon + days(31)).learned[tokens_per_minute].has_value());
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM charged"), 1) << "reading forgets nothing";
  save(one, {}, noon + days(31));
  for (const char* table : {"charged", "spent", "learned"}) {
    EXPECT_EQ(Other(path_).number(("SELECT count(*) FROM " + std::string(table)).c_str()), 0) << table;
  }
}

TEST_F(StateStoreTest, KeepsTheLaterEndOfASpentDayAndTheNewerOfLimits) {
  StateStore one = store();
  GroupState news;
  news.out_until = noon + 5h;
  news.learned[0] = LearnedLimit{10, noon};
  save(one, news);
  news.out_until = noon + 4h;
  news.learned[0] = LearnedLimit{8, noon + 1s};
  save(one, news);
  EXPECT_EQ(known().out_until, noon + 5h);
  EXPECT_EQ(known().learned[0]->units, 8);
  news.out_until = noon + days(40);  // no day is that long
  save(one, news);
  EXPECT_EQ(known().out_until, std::nullopt);
}

TEST_F(StateStoreTest, DoesNotBelieveAClockThatWasAhead) {
  StateStore one = store();
  GroupState news;
  news.charges = {{noon + 60s, 1, 0, 0}, {noon + 61s, 10, 0, 0}, {noon + days(300), 100, 0, 0}};
  save(one, news);
  EXPECT_EQ(sum(known(noon)).requests, 1);
}

TEST_F(StateStoreTest, TellsGroupsApartByNameElseByKey) {
  const std::vector<GroupIdentity> groups{
      named("org-a"),
      named("org-b"),
      keyed("sk-1"),
      keyed("sk-2"),
      keyed("org-a"),  // a key that reads like a group's name
      {"groq", "https://api.openai.com:443", "org-a", {}},
      {"openai", "https://elsewhere.test:443", "org-a", {}},
  };
  StateStore::Opening opening = StateStore::open(path_, groups, noon);
  ASSERT_TRUE(opening.store.has_value());
  std::vector<GroupState> news;
  for (std::size_t i = 0; i < groups.size(); ++i)
    news.push_back(charged(noon, static_cast<double>(i + 1), 0, 0));
  EXPECT_FALSE(opening.store->save(news, noon).has_value());
  for (std::size_t i = 0; i < groups.size(); ++i)
    EXPECT_EQ(sum(known(noon, groups[i])).requests, static_cast<double>(i + 1)) << i;
  GroupIdentity new_key = named("org-a");
  new_key.key = Credential("sk-new");
  EXPECT_EQ(sum(known(noon, new_key)).requests, 1) << "a named group is the same with another key";
  EXPECT_TRUE(known(noon, keyed("sk-3")).charges.empty());
}

TEST_F(StateStoreTest, HoldsNeitherKeysNorNames) {
  {
    StateStore one = store(noon, keyed(secret));
    save(one, charged(noon, 1, 1, 1));
    StateStore other = store(noon, named("canary-organisation"));
    save(other, charged(noon, 1, 1, 1));
    for (const char* end : {"", "-wal", "-shm"}) {
      const std::string bytes = scratch_.read(name_ + end);
      ASSERT_FALSE(bytes.empty()) << end;
      for (const char* canary : {secret, "canary", "7f3a9c", "openai"})
        EXPECT_EQ(bytes.find(canary), std::string::npos) << end << " " << canary;
    }
  }
  EXPECT_EQ(scratch_.read(name_).find("canary"), std::string::npos);
  const GroupIdentity same_key_elsewhere = keyed(secret);
  const std::string other_file = scratch_.path() + "/other.db";
  StateStore third = std::move(*StateStore::open(other_file, {same_key_elsewhere}, noon).store);
  save(third, charged(noon, 1, 1, 1));
  Other here(path_);
  here.run(("ATTACH '" + other_file + "' AS other").c_str());
  EXPECT_EQ(here.number("SELECT count(*) FROM charged JOIN other.charged USING (quota_group)"), 0)
      << "salts differ, so hashes do";
}

TEST_F(StateStoreTest, IsForItsOwnerOnly) {
  const mode_t before = ::umask(0);
  StateStore one = store();
  save(one, charged(noon, 1, 1, 1));
  ::umask(before);
  for (const char* end : {"", "-wal", "-shm"}) EXPECT_EQ(mode(path_ + end), 0600U) << end;
  for (const char* directory : {"home", "home/state", "home/state/batchrun"})
    EXPECT_EQ(mode(directory), 0700U) << directory;
}

TEST_F(StateStoreTest, SetsADamagedFileAsideAndBeginsANewOne) {
  { store(); }
  const std::string good = scratch_.read(name_);
  const std::string torn = good.substr(0, 4096) + std::string(good.size() - 4096, '\x5a');
  const std::array<std::string, 3> bad{
      "this is no database, but it is long enough to be looked at as one" + std::string(4096, '.'),
      good.substr(0, 4096), torn};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const std::string aside = ".corrupt-" + std::to_string(i + 1);
    scratch_.write(name_, bad[i]);
    const StateStore::Opening opening = open();
    EXPECT_NE(opening.warning.find(path_ + aside), std::string::npos) << opening.warning;
    ASSERT_TRUE(opening.store.has_value()) << opening.warning;
    EXPECT_TRUE(opening.known.at(0).charges.empty());
    EXPECT_EQ(scratch_.read(name_ + aside), bad[i]);
    EXPECT_EQ(open().warning, "") << "the new one is good";
  }
}

TEST_F(StateStoreTest, SetsAFileAsideThatLacksATableOrItsSalt) {
  for (const char* harm : {"DROP TABLE learned", "DELETE FROM salt", "UPDATE salt SET value = x'00'"}) {
    { store(); }
    Other(path_).run(harm);
    const StateStore::Opening opening = open();
    EXPECT_NE(opening.warning.find("was damaged"), std::string::npos) << harm << ": " << opening.warning;
    EXPECT_TRUE(opening.store.has_value()) << harm;
  }
}

TEST_F(StateStoreTest, SetsTheLogAsideThatAnotherRunHasInUse) {
  StateStore other_run = store();
  Other(path_).run("DROP TABLE learned");
  StateStore::Opening opening = open();
  ASSERT_TRUE(opening.store.has_value()) << opening.warning;
  for (const char* end : {"-wal", "-shm"}) EXPECT_FALSE(scratch_.read(name_ + ".corrupt-1" + end).empty());
  save(*opening.store, charged(noon, 1, 1, 1));
  const GroupState news = charged(noon, 7, 7, 7);
  EXPECT_TRUE(other_run.save({&news, 1}, noon).has_value());
  EXPECT_EQ(sum(known()).requests, 1);
}

TEST_F(StateStoreTest, LeavesAFileOfANewerVersionAsItIs) {
  { store(); }
  Other(path_).run("PRAGMA user_version = 99; CREATE TABLE of_the_future (x)");
  const std::string before = scratch_.read(name_);
  const StateStore::Opening opening = open();
  EXPECT_FALSE(opening.store.has_value());
  EXPECT_NE(opening.warning.find("newer version"), std::string::npos) << opening.warning;
  EXPECT_EQ(scratch_.read(name_), before);
  EXPECT_NE(::access((path_ + ".corrupt-1").c_str(), F_OK), 0);
}

TEST_F(StateStoreTest, DoesNotWaitLongForALockedFile) {
  { store(); }
  Other other(path_);
  other.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM spent");
  const steady_clock::time_point began = steady_clock::now();
  const StateStore::Opening opening = open();
  EXPECT_LT(steady_clock::now() - began, 5s);
  EXPECT_FALSE(opening.store.has_value());
  EXPECT_NE(opening.warning.find("is locked by another program"), std::string::npos) << opening.warning;
  EXPECT_NE(::access((path_ + ".corrupt-1").c_str(), F_OK), 0) << "locked is not damaged";
}

TEST_F(StateStoreTest, SavesAfterALockWhatItCouldNotSaveDuringIt) {
  StateStore one = store();
  const GroupState news = charged(noon, 1, 10, 1);
  {
    Other other(path_);
    other.run("BEGIN IMMEDIATE");
    const std::optional<StateError> error = one.save({&news, 1}, noon);
    ASSERT_TRUE(error.has_value());
    EXPECT_TRUE(error->passing);
    EXPECT_NE(error->message.find(path_), std::string::npos);
  }
  save(one, news);
  EXPECT_EQ(sum(known()).requests, 1);
}

TEST_F(StateStoreTest, SaysWhenItsFileCannotBeMade) {
  scratch_.write("home/state", "a file where a directory should be");
  const StateStore::Opening no_directory = open();
  EXPECT_FALSE(no_directory.store.has_value());
  EXPECT_NE(no_directory.warning.find("home/state/batchrun: Not a directory"), std::string::npos)
      << no_directory.warning;

  const StateStore::Opening a_directory = StateStore::open(scratch_.path() + "/home", {named("a")}, noon);
  EXPECT_FALSE(a_directory.store.has_value());
  EXPECT_NE(a_directory.warning.find("/home: "), std::string::npos) << a_directory.warning;
}

TEST_F(StateStoreTest, SaysWhenItsFileCannotBeWrittenAndKeepsWhatIsThere) {
  { store(); }
  {
    StateStore one = store();
    save(one, charged(noon, 5, 5, 5));
  }
  const auto size = static_cast<rlim_t>(scratch_.read(name_).size());
  const pid_t child = ::fork();
  if (child == 0) {  // as good as a full disk
    ::signal(SIGXFSZ, SIG_IGN);
    std::optional<StateStore> one = open().store;
    const rlimit limit{size / 2, size / 2};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    GroupState news;
    for (int i = 0; i < 2000; ++i) news.charges.push_back({noon + i * 1s, 1, 1, 1});
    const std::optional<StateError> error = one->save({&news, 1}, noon);
    ::_exit(error && !error->passing && error->message.find("cannot write") == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(sum(known(noon + 1h)).requests, 5);
}

TEST_F(StateStoreTest, IsMadeOnceByRunsThatStartTogether) {
  for (int round = 0; round < 10; ++round) {
    const std::string path = scratch_.path() + "/" + std::to_string(round) + "/state.db";
    const auto begin = [&path] {
      StateStore::Opening opening = StateStore::open(path, {named("org-a")}, noon);
      ASSERT_TRUE(opening.store.has_value()) << opening.warning;
      save(*opening.store, charged(noon, 1, 1, 1));
    };
    std::thread one(begin), other(begin);
    one.join();
    other.join();
    EXPECT_EQ(sum(StateStore::open(path, {named("org-a")}, noon).known.at(0)).requests, 2) << round;
  }
}

TEST_F(StateStoreTest, RemembersForAMonthWhichGroupsAreOne) {
  const std::vector<GroupIdentity> groups{keyed("sk-a"), keyed("sk-b")};
  std::vector<GroupState> news(2);
  news[1].same_as = {0, noon};
  StateStore::Opening opening = StateStore::open(path_, groups, noon);
  ASSERT_TRUE(opening.store.has_value());
  ASSERT_FALSE(opening.store->save(news, noon));
  const auto known = [&](const std::vector<GroupIdentity>& asked, sys_seconds now) {
    return StateStore::open(path_, asked, now).known.back().same_as;
  };
  ASSERT_TRUE(known(groups, noon + days(29)));
  EXPECT_EQ(known(groups, noon)->group, 0U);
  EXPECT_EQ(known(groups, noon)->on, noon);
  EXPECT_FALSE(known({keyed("sk-b")}, noon)) << "the other one is not there";
  EXPECT_FALSE(known({keyed("sk-a"), named("b")}, noon)) << "the config has named the group since";
  EXPECT_FALSE(known(groups, noon + days(31)));
}

class BudgetTest : public StateStoreTest {
 protected:
  static constexpr sys_days today = 2026y / November / 22;
  // What one claim gets.
  static BudgetGrant claim(StateStore& store, const std::string& owner, std::int64_t amount,
                           std::optional<std::int64_t> cap, sys_days day = today) {
    std::vector<BudgetGrant> grants;
    const BudgetClaim one{owner, day, amount, cap};
    const std::optional<StateError> error = store.claim({&one, 1}, grants);
    EXPECT_FALSE(error.has_value()) << error->message;
    EXPECT_EQ(grants.size(), 1u);
    return grants.at(0);
  }
  static void expect(const BudgetGrant& grant, std::int64_t amount, std::int64_t total) {
    EXPECT_EQ(grant.amount, amount);
    EXPECT_EQ(grant.total, total);
  }
};

TEST_F(BudgetTest, IsSharedByRunsUpToItsCap) {
  StateStore one = store(), other = store();
  expect(claim(one, "ann", 60, 100), 60, 60);
  expect(claim(other, "ann", 60, 100), 40, 100);
  expect(claim(other, "bob", 60, 100), 60, 60);
  expect(claim(one, "ann", 1, 100), 0, 100);
  expect(claim(one, "ann", -50, {}), -50, 50);
  expect(claim(other, "ann", 60, 100), 50, 100);
  expect(claim(other, "ann", 7, {}), 7, 107);  // it cost more than was thought
  expect(claim(one, "ann", 5, 100), 0, 107);
}

TEST_F(BudgetTest, TellsWhatOtherRunsAtWorkMayGiveBack) {
  const auto told = [](StateStore& run, std::int64_t amount, std::int64_t spent) {
    std::vector<BudgetGrant> grants;
    const BudgetClaim one{"ann", today, amount, 100, spent};
    EXPECT_FALSE(run.claim({&one, 1}, grants));
    return grants.at(0);
  };
  StateStore mine = store();
  {
    StateStore other = store(), third = store();
    told(other, 50, 0);
    told(third, 20, 20);
    EXPECT_EQ(told(mine, 0, 0).may_return, 50) << "what the third has spent is gone";
    told(other, 0, 15);
    EXPECT_EQ(told(mine, 10, 0).may_return, 35);
    EXPECT_EQ(told(other, 0, 15).may_return, 10);
  }
  const BudgetGrant alone = told(mine, 0, 0);
  EXPECT_EQ(alone.may_return, 0) << "a run that is gone gives nothing back,";
  EXPECT_EQ(alone.total, 80) << "and may have spent all it claimed";
}

TEST_F(BudgetTest, BeginsAnewEachDayAndIsForgotten) {
  StateStore one = store();
  expect(claim(one, "ann", 100, 100), 100, 100);
  expect(claim(one, "ann", 100, 100, today + days(1)), 100, 100);
  expect(claim(one, "ann", -40, {}, today), -40, 60);
  expect(claim(one, "ann", 1, 100, today + days(2)), 1, 1);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM budget"), 2) << "yesterday's and today's";
}

TEST_F(BudgetTest, StandsInTheFileAsSoonAsItIsGranted) {
  store();  // the file is there
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    StateStore mine = store();
    claim(mine, "ann", 60, 100);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  StateStore next = store();
  expect(claim(next, "ann", 60, 100), 40, 100);
}

TEST_F(BudgetTest, NamesNobody) {
  StateStore one = store();
  claim(one, "ann@example.org", 60, 100);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM budget WHERE length(owner) = 32"), 1);
  EXPECT_EQ(Other(path_).number("SELECT count(*) FROM budget WHERE instr(owner, 'ann') > 0"), 0);
}

TEST_F(BudgetTest, OfAFileOfTheFirstVersionIsAdded) {
  {
    StateStore first = store();
    save(first, charged(noon - 3s, 2, 0, 0));
  }
  Other(path_).run("DROP TABLE budget; DROP TABLE same; PRAGMA user_version = 1");
  StateStore one = store();
  expect(claim(one, "ann", 60, 100), 60, 60);
  EXPECT_EQ(sum(known()).requests, 2);
}

TEST_F(BudgetTest, OfAFileOfTheSecondVersionStaysClaimed) {
  {
    StateStore first = store();
    claim(first, "ann", 60, 100);
  }
  Other(path_).run(
      "CREATE TABLE second (day INTEGER NOT NULL, owner BLOB NOT NULL, claimed INTEGER NOT NULL, "
      "PRIMARY KEY (day, owner)) STRICT, WITHOUT ROWID; "
      "INSERT INTO second SELECT day, owner, claimed FROM budget; DROP TABLE budget; "
      "ALTER TABLE second RENAME TO budget; PRAGMA user_version = 2");
  StateStore next = store();
  expect(claim(next, "ann", 60, 100), 40, 100);
}

TEST_F(BudgetTest, GrantsNothingWhileAnotherProgramHoldsTheFile) {
  StateStore one = store();
  Other other(path_);
  other.run("BEGIN IMMEDIATE");
  std::vector<BudgetGrant> grants;
  const BudgetClaim asked{"ann", today, 60, 100};
  const std::optional<StateError> error = one.claim({&asked, 1}, grants);
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->passing);
  EXPECT_TRUE(grants.empty());
  other.run("COMMIT");
  expect(claim(one, "ann", 60, 100), 60, 60);
}

}  // namespace
}  // namespace batchrun

#include "io/state_store.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace batchrun {
namespace {

using std::chrono::sys_seconds;

constexpr std::int64_t version = 3;  // of the tables below, as PRAGMA user_version
constexpr int busy_timeout_ms = 500;
constexpr std::int64_t fine_seconds = 120;            // charges are kept by second for this long,
constexpr std::int64_t coarse_span = 300;             //   then by this many seconds,
constexpr std::int64_t kept_seconds = 26 * 3600;      // and this long in all: a day of 25 hours and some
constexpr std::int64_t set_back_seconds = 60;         // charges from further ahead are a clock's mistake
constexpr std::int64_t learned_seconds = 30 * 86400;  // limits change; older ones are found out again
constexpr std::size_t salt_size = 16;
constexpr int most_set_aside = 100;

// What each version adds. Charges in the order in which they age, so that each save touches only the ends.
constexpr const char* create_version_1 = R"(
  CREATE TABLE salt (value BLOB NOT NULL) STRICT;
  INSERT INTO salt VALUES (randomblob(16));
  CREATE TABLE charged (
    span INTEGER NOT NULL, at INTEGER NOT NULL, quota_group BLOB NOT NULL,
    requests REAL NOT NULL, input_tokens REAL NOT NULL, output_tokens REAL NOT NULL,
    PRIMARY KEY (span, at, quota_group)) STRICT, WITHOUT ROWID;
  CREATE TABLE learned (
    quota_group BLOB NOT NULL, dimension TEXT NOT NULL, units REAL NOT NULL, learned_on INTEGER NOT NULL,
    PRIMARY KEY (quota_group, dimension)) STRICT, WITHOUT ROWID;
  CREATE TABLE spent (quota_group BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)";
constexpr const char* create_version_2 = R"(
  CREATE TABLE budget (
    day INTEGER NOT NULL, owner BLOB NOT NULL, claimed INTEGER NOT NULL,
    PRIMARY KEY (day, owner)) STRICT, WITHOUT ROWID;
  CREATE TABLE same (
    quota_group BLOB PRIMARY KEY, as_group BLOB NOT NULL, found_on INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)";
// What was claimed before is nobody's at work.
constexpr const char* create_version_3 = R"(
  ALTER TABLE budget RENAME TO old_budget;
  CREATE TABLE budget (
    day INTEGER NOT NULL, owner BLOB NOT NULL, run INTEGER NOT NULL,
    claimed INTEGER NOT NULL, spent INTEGER NOT NULL,
    PRIMARY KEY (day, owner, run)) STRICT, WITHOUT ROWID;
  INSERT INTO budget SELECT day, owner, 0, claimed, claimed FROM old_budget;
  DROP TABLE old_budget;
  PRAGMA user_version = 3;
)";

// A connection at work. After the first error it does nothing more, so that only the end need ask.
class Session {
 public:
  explicit Session(sqlite3* database) : database_(database) {}
  // What was begun and not committed is undone.
  ~Session() {
    if (sqlite3_get_autocommit(database_) == 0)
      sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool ok() const { return code_ == SQLITE_OK; }
  int code() const { return code_ & 0xff; }
  const std::string& message() const { return message_; }
  sqlite3* database() const { return database_; }

  void note(int code) {
    if (!ok() || code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    code_ = code;
    message_ = sqlite3_errcode(database_) == code ? sqlite3_errmsg(database_) : sqlite3_errstr(code);
    const int system = sqlite3_system_errno(database_);
    if (system != 0 && this->code() == SQLITE_CANTOPEN) message_ += std::string(": ") + std::strerror(system);
  }
  void run(const char* sql) {
    if (ok()) note(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
  }

 private:
  sqlite3* database_;
  int code_ = SQLITE_OK;
  std::string message_;
};

class Statement {
 public:
  Statement(Session& session, const char* sql) : session_(session) {
    if (session_.ok()) session_.note(sqlite3_prepare_v2(session_.database(), sql, -1, &statement_, nullptr));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters from 1 on. Texts and blobs outlive the statement.
  void bind(int place, std::int64_t value) {
    if (session_.ok()) session_.note(sqlite3_bind_int64(statement_, place, value));
  }
  void bind(int place, double value) {
    if (session_.ok()) session_.note(sqlite3_bind_double(statement_, place, value));
  }
  void bind_text(int place, std::string_view value) {
    if (!session_.ok()) return;
    session_.note(
        sqlite3_bind_text(statement_, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
  }
  void bind_blob(int place, std::string_view value) {
    if (!session_.ok()) return;
    session_.note(
        sqlite3_bind_blob(statement_, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
  }

  bool row() {
    if (!session_.ok()) return false;
    const int code = sqlite3_step(statement_);
    session_.note(code);
    return code == SQLITE_ROW;
  }
  // For statements that answer nothing; they may be run again with other values.
  void run() {
    row();
    if (session_.ok()) session_.note(sqlite3_reset(statement_));
  }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double number(int column) const { return sqlite3_column_double(statement_, column); }
  std::string bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(size));
  }

 private:
  Session& session_;
  sqlite3_stmt* statement_ = nullptr;
};

std::int64_t unix_time(sys_seconds at) {
  return at.time_since_epoch().count();
}
sys_seconds at_unix_time(std::int64_t seconds) {
  return sys_seconds(std::chrono::seconds(seconds));
}

// The sum of what it is told, each part with its length, so that no two lists of parts look the same.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc();
  }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view part) {
    const std::string length = std::to_string(part.size()) + ":";
    EVP_DigestUpdate(context_, length.data(), length.size());
    EVP_DigestUpdate(context_, part.data(), part.size());
  }
  std::string sum() {
    std::string out(32, '\0');
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
  }

 private:
  EVP_MD_CTX* context_;
};

std::string hash_of(const GroupIdentity& group, std::string_view salt) {
  Sha256 hash;
  hash.add(salt);
  hash.add(group.provider);
  hash.add(group.origin);
  hash.add(group.name.empty() ? "key" : "group");
  if (group.name.empty()) {
    std::string secret;
    group.key.append_to(secret);
    hash.add(secret);
    OPENSSL_cleanse(secret.data(), secret.size());
  } else {
    hash.add(group.name);
  }
  return hash.sum();
}

std::string hash_of(std::string_view owner, std::string_view salt) {
  Sha256 hash;
  hash.add(salt);
  hash.add("owner of a budget");
  hash.add(owner);
  return hash.sum();
}

// "" or what went wrong. Missing directories are made for their owner only, as the XDG specification asks.
std::string make_directories_of(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
      return "cannot make " + directory + ": " + std::strerror(errno);
  }
  return "";
}

// SQLite would make the file as the umask says, and gives its companions the same mode. An existing file is
// not opened here: closing it would drop the locks that other connections of this process hold.
void make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) ::close(fd);
}

std::int64_t read_version(Session& session) {
  Statement ask(session, "PRAGMA user_version");
  return ask.row() ? ask.integer(0) : 0;
}

void make_tables(Session& session) {
  session.run("BEGIN IMMEDIATE");
  const std::int64_t found = read_version(session);  // another run may have been faster
  if (found < 1) session.run(create_version_1);
  if (found < 2) session.run(create_version_2);
  if (found < 3) session.run(create_version_3);
  session.run("COMMIT");
}

std::string read_salt(Session& session) {
  Statement ask(session, "SELECT value FROM salt");
  std::string salt = ask.row() ? ask.bytes(0) : "";
  if (salt.size() != salt_size) session.note(SQLITE_CORRUPT);
  return salt;
}

double not_negative(double value) {
  return std::isfinite(value) ? std::max(value, 0.0) : 0.0;
}

// Places of the groups by hash. Tables are read as a whole, other groups' rows too, so that damage anywhere
// in them is seen at the start.
using Places = std::unordered_map<std::string, std::size_t>;

GroupState* find(std::vector<GroupState>& known, const Places& places, const std::string& hash) {
  const auto found = places.find(hash);
  return found == places.end() ? nullptr : &known[found->second];
}

void read_charges(Session& session, const Places& places, std::int64_t now, std::vector<GroupState>& known) {
  Statement ask(session, "SELECT quota_group, span, at, requests, input_tokens, output_tokens FROM charged");
  while (ask.row()) {
    GroupState* group = find(known, places, ask.bytes(0));
    const std::int64_t span = ask.integer(1), begin = ask.integer(2);
    // What is kept by five minutes was charged in any of them, but not in the last two minutes.
    const std::int64_t at =
        span == 1 ? begin : std::max(begin, std::min(begin + span - 1, now - fine_seconds));
    if (group == nullptr || at < now - kept_seconds || at > now + set_back_seconds) continue;
    group->charges.push_back({at_unix_time(at), not_negative(ask.number(3)), not_negative(ask.number(4)),
                              not_negative(ask.number(5))});
  }
}

void read_learned(Session& session, const Places& places, std::int64_t now, std::vector<GroupState>& known) {
  Statement ask(session, "SELECT quota_group, dimension, units, learned_on FROM learned");
  while (ask.row()) {
    GroupState* group = find(known, places, ask.bytes(0));
    const std::string dimension = ask.bytes(1);
    const double units = ask.number(2);
    const std::int64_t on = ask.integer(3);
    if (group == nullptr || on < now - learned_seconds || !std::isfinite(units) || units <= 0) continue;
    for (std::size_t i = 0; i < dimensions; ++i) {
      if (name(static_cast<Dimension>(i)) == dimension)
        group->learned[i] = LearnedLimit{units, at_unix_time(on)};
    }
  }
}

void read_spent(Session& session, const Places& places, std::int64_t now, std::vector<GroupState>& known) {
  Statement ask(session, "SELECT quota_group, until FROM spent");
  while (ask.row()) {
    GroupState* group = find(known, places, ask.bytes(0));
    const std::int64_t until = ask.integer(1);
    if (group != nullptr && until > now && until <= now + kept_seconds)
      group->out_until = at_unix_time(until);
  }
}

void read_same(Session& session, const Places& places, std::int64_t now, std::vector<GroupState>& known) {
  Statement ask(session, "SELECT quota_group, as_group, found_on FROM same");
  while (ask.row()) {
    GroupState* group = find(known, places, ask.bytes(0));
    const auto other = places.find(ask.bytes(1));
    const std::int64_t on = ask.integer(2);
    if (group == nullptr || other == places.end() || on < now - learned_seconds) continue;
    group->same_as = SameGroup{other->second, at_unix_time(on)};
  }
}

std::vector<GroupState> read_known(Session& session, const std::vector<std::string>& groups,
                                   std::int64_t now) {
  Places places;
  for (std::size_t i = 0; i < groups.size(); ++i) places.emplace(groups[i], i);
  std::vector<GroupState> known(groups.size());
  session.run("BEGIN");
  read_charges(session, places, now, known);
  read_learned(session, places, now, known);
  read_spent(session, places, now, known);
  read_same(session, places, now, known);
  session.run("COMMIT");
  return known;
}

void add_charges(Session& session, const std::vector<std::string>& groups, std::span<const GroupState> news,
                 std::int64_t now) {
  Statement add(
      session,
      "INSERT INTO charged VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET "
      "requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens, "
      "output_tokens = output_tokens + excluded.output_tokens");
  for (std::size_t i = 0; i < news.size(); ++i) {
    for (const Charge& charge : news[i].charges) {
      const std::int64_t at = unix_time(charge.at);
      const bool coarse = at < now - fine_seconds;
      add.bind(1, coarse ? coarse_span : 1);
      add.bind(2, coarse ? at - at % coarse_span : at);
      add.bind_blob(3, groups[i]);
      add.bind(4, charge.requests);
      add.bind(5, charge.input_tokens);
      add.bind(6, charge.output_tokens);
      add.run();
    }
  }
}

void add_learned(Session& session, const std::vector<std::string>& groups, std::span<const GroupState> news) {
  Statement keep(session, "INSERT OR REPLACE INTO learned VALUES (?1, ?2, ?3, ?4)");
  for (std::size_t i = 0; i < news.size(); ++i) {
    for (std::size_t d = 0; d < dimensions; ++d) {
      const std::optional<LearnedLimit>& limit = news[i].learned[d];
      if (!limit) continue;
      keep.bind_blob(1, groups[i]);
      keep.bind_text(2, name(static_cast<Dimension>(d)));
      keep.bind(3, limit->units);
      keep.bind(4, unix_time(limit->on));
      keep.run();
    }
  }
}

void add_spent(Session& session, const std::vector<std::string>& groups, std::span<const GroupState> news) {
  Statement keep(
      session,
      "INSERT INTO spent VALUES (?1, ?2) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)");
  for (std::size_t i = 0; i < news.size(); ++i) {
    if (!news[i].out_until) continue;
    keep.bind_blob(1, groups[i]);
    keep.bind(2, unix_time(*news[i].out_until));
    keep.run();
  }
}

void add_same_groups(Session& session, const std::vector<std::string>& groups,
                     std::span<const GroupState> news) {
  Statement keep(session, "INSERT OR REPLACE INTO same VALUES (?1, ?2, ?3)");
  for (std::size_t i = 0; i < news.size(); ++i) {
    if (!news[i].same_as) continue;
    keep.bind_blob(1, groups[i]);
    keep.bind_blob(2, groups[news[i].same_as->group]);
    keep.bind(3, unix_time(news[i].same_as->on));
    keep.run();
  }
}

void run_with_time(Session& session, const char* sql, std::int64_t time) {
  Statement statement(session, sql);
  statement.bind(1, time);
  statement.run();
}

void fold_and_forget(Session& session, std::int64_t now) {
  run_with_time(
      session,
      "INSERT INTO charged SELECT 300, at - at % 300, quota_group, sum(requests), sum(input_tokens), "
      "sum(output_tokens) FROM charged WHERE span = 1 AND at < ?1 GROUP BY at / 300, quota_group "
      "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
      "input_tokens = input_tokens + excluded.input_tokens, "
      "output_tokens = output_tokens + excluded.output_tokens",
      now - fine_seconds);
  run_with_time(session, "DELETE FROM charged WHERE span = 1 AND at < ?1", now - fine_seconds);
  run_with_time(session, "DELETE FROM charged WHERE span = 300 AND at < ?1",
                now - kept_seconds - coarse_span);
  run_with_time(session, "DELETE FROM learned WHERE learned_on < ?1", now - learned_seconds);
  run_with_time(session, "DELETE FROM same WHERE found_on < ?1", now - learned_seconds);
  run_with_time(session, "DELETE FROM spent WHERE until <= ?1", now);
}

// Read as a whole, so that damage is seen at the start.
void check_budgets(Session& session) {
  Statement ask(session, "SELECT day, owner, run, claimed, spent FROM budget");
  while (ask.row()) {
  }
}

// What all runs have claimed of somebody's day.
struct Claimed {
  std::int64_t mine = 0, all = 0;
  std::int64_t may_return = 0;  // of others at work
};

Claimed claimed_of(Session& session, std::int64_t day, const std::string& owner, const RunMark& mark) {
  Statement ask(session, "SELECT run, claimed, spent FROM budget WHERE day = ?1 AND owner = ?2");
  ask.bind(1, day);
  ask.bind_blob(2, owner);
  Claimed sums;
  while (ask.row()) {
    const std::int64_t run = ask.integer(0), claimed = ask.integer(1), spent = ask.integer(2);
    sums.all += claimed;
    if (run == mark.id()) sums.mine = claimed;
    if (claimed > spent && mark.at_work(run)) sums.may_return += claimed - spent;
  }
  return sums;
}

BudgetGrant enter(Session& session, const BudgetClaim& claim, const std::string& owner, const RunMark& mark) {
  const std::int64_t day = claim.day.time_since_epoch().count();
  const Claimed before = claimed_of(session, day, owner, mark);
  BudgetGrant grant;
  grant.amount = std::max(claim.amount, -before.mine);
  if (claim.cap) grant.amount = std::min(grant.amount, std::max<std::int64_t>(*claim.cap - before.all, 0));
  grant.total = before.all + grant.amount;
  grant.may_return = before.may_return;
  Statement keep(session, "INSERT OR REPLACE INTO budget VALUES (?1, ?2, ?3, ?4, ?5)");
  keep.bind(1, day);
  keep.bind_blob(2, owner);
  keep.bind(3, mark.id());
  keep.bind(4, before.mine + grant.amount);
  keep.bind(5, claim.spent);
  keep.run();
  return grant;
}

// A missing table or column is damage as well: the version says what must be there.
bool is_damage(int code) {
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
}

StateError error_of(const Session& session, const std::string& path, const std::string& what) {
  if (session.code() == SQLITE_BUSY || session.code() == SQLITE_LOCKED)
    return {"the state file " + path + " is locked by another program", true};
  return {"cannot " + what + " the state file " + path + ": " + session.message(), false};
}

// With its companions: another run may have all three in use. "" if that cannot be done.
std::string set_aside(const std::string& path) {
  std::string aside;
  int number = 0;
  do {
    aside = path + ".corrupt-" + std::to_string(++number);
  } while (number < most_set_aside && ::access(aside.c_str(), F_OK) == 0);
  if (std::rename(path.c_str(), aside.c_str()) != 0) return "";
  std::rename((path + "-wal").c_str(), (aside + "-wal").c_str());
  std::rename((path + "-shm").c_str(), (aside + "-shm").c_str());
  return aside;
}

}  // namespace

void StateStore::Closer::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

bool GroupState::empty() const {
  const bool any_learned =
      std::any_of(learned.begin(), learned.end(), [](const auto& limit) { return limit.has_value(); });
  return charges.empty() && !any_learned && !out_until && !same_as;
}

void GroupState::add(const GroupState& news) {
  charges.insert(charges.end(), news.charges.begin(), news.charges.end());
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (news.learned[d]) learned[d] = news.learned[d];
  }
  if (news.out_until) out_until = news.out_until;
  if (news.same_as) same_as = news.same_as;
}

StateStore::StateStore(Database database, RunMark mark, std::string path, std::string salt,
                       std::vector<std::string> groups)
    : database_(std::move(database)),
      mark_(std::move(mark)),
      path_(std::move(path)),
      salt_(std::move(salt)),
      groups_(std::move(groups)) {}

StateStore::Opening StateStore::try_open(const std::string& path, const std::vector<GroupIdentity>& groups,
                                         sys_seconds now, bool& damaged) {
  make_file(path);
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(opened);
  if (database == nullptr) throw std::bad_alloc();
  sqlite3_busy_timeout(opened, busy_timeout_ms);

  Session session(opened);
  session.note(code);
  const std::int64_t found = read_version(session);
  if (found > version) return {{}, {}, "the state file " + path + " is of a newer version and left as it is"};
  // Of two runs that make the file at once only one may switch, and the other is told so at once. It is as
  // good without: the mode is the file's.
  if (session.ok()) sqlite3_exec(opened, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  session.run("PRAGMA synchronous = NORMAL");
  if (found != version) make_tables(session);
  std::string salt = read_salt(session);
  std::vector<std::string> hashes;
  hashes.reserve(groups.size());
  for (const GroupIdentity& group : groups) hashes.push_back(hash_of(group, salt));
  std::vector<GroupState> known = read_known(session, hashes, unix_time(now));
  check_budgets(session);
  if (!session.ok()) {
    damaged = is_damage(session.code());
    return {{}, {}, error_of(session, path, "open").message};
  }
  return {StateStore(std::move(database), RunMark(path + "-runs"), path, std::move(salt), std::move(hashes)),
          std::move(known), ""};
}

StateStore::Opening StateStore::open(const std::string& path, const std::vector<GroupIdentity>& groups,
                                     sys_seconds now) {
  const std::string no_directory = make_directories_of(path);
  if (!no_directory.empty()) return {{}, {}, no_directory};
  bool damaged = false;
  Opening opening = try_open(path, groups, now, damaged);
  const std::string aside = damaged ? set_aside(path) : "";
  if (aside.empty()) return opening;
  opening = try_open(path, groups, now, damaged);
  if (opening.store)
    opening.warning =
        "the state file " + path + " was damaged; it is now " + aside + ", and a new one begins";
  return opening;
}

std::optional<StateError> StateStore::save(std::span<const GroupState> news, sys_seconds now) {
  Session session(database_.get());
  session.run("BEGIN IMMEDIATE");
  fold_and_forget(session, unix_time(now));
  add_charges(session, groups_, news, unix_time(now));
  add_learned(session, groups_, news);
  add_spent(session, groups_, news);
  add_same_groups(session, groups_, news);
  session.run("COMMIT");
  if (session.ok()) return std::nullopt;
  return error_of(session, path_, "write");
}

std::optional<StateError> StateStore::claim(std::span<const BudgetClaim> claims,
                                            std::vector<BudgetGrant>& grants) {
  grants.clear();
  Session session(database_.get());
  session.run("BEGIN IMMEDIATE");
  for (const BudgetClaim& claim : claims) {
    grants.push_back(enter(session, claim, hash_of(claim.owner, salt_), mark_));
    run_with_time(session, "DELETE FROM budget WHERE day < ?1", claim.day.time_since_epoch().count() - 1);
  }
  session.run("COMMIT");
  if (session.ok()) return std::nullopt;
  grants.clear();
  return error_of(session, path_, "write");
}

}  // namespace batchrun

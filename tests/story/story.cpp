#include "tests/story/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <optional>
#include <set>

#include "bench/mockprovider/call.h"
#include "bench/mockprovider/completion.h"
#include "tests/story/output_line.h"
#include "tests/story/process.h"
#include "tests/support/scratch_dir.h"

namespace batchrun::story {
namespace {

using Call = MemoryFiles::Call;
using Doom = MemoryFiles::Doom;
using Fate = MemoryFiles::Fate;

constexpr Duration on_the_way =
    std::chrono::milliseconds(2);  // from an answer to the writer: 1 ms, and a turn
constexpr Duration life_limit = std::chrono::hours(2);
// A run that waits for a day to turn is interrupted, and started again the next day.
constexpr Duration patience = std::chrono::minutes(11), next_day = std::chrono::hours(24);
constexpr std::size_t more_lives_for_days = 50;
// A process leaves word of what it sent once a second.
constexpr Duration word_interval = std::chrono::milliseconds(1010);
constexpr std::size_t lives_limit = 14;
constexpr int stopped_code = 5;
constexpr std::uint32_t attempts_limit = 6;  // PoolSettings' default

// What every provider answers to a row.
mock::Completion answer_to(const RowPlan& row, const mock::Scenario& scenario) {
  mock::Call call;
  mock::PromptReader reader(call);
  reader.message("user");
  reader.text(row.prompt);
  reader.done();
  call.max_tokens = row.max_tokens;
  mock::Completion answer;
  mock::make_completion(call, scenario, answer);
  return answer;
}

class Story {
 public:
  explicit Story(const Plan& plan) : plan_(plan), random_(plan.seed ^ 0x73746f7279) {
    std::string text;
    for (const RowPlan& row : plan.rows) text += row.line + "\n";
    folder_.write("input.jsonl", text);
    world_.input = folder_.path() + "/input.jsonl";
    start_ = world_.clock.now();
  }

  Verdict tell() {
    std::optional<int> code;
    std::size_t retries = 0;
    while (verdict_.violations.empty()) {
      const bool retry = complete(code) && retries < plan_.retries_at_end;
      if (complete(code) && !retry) break;
      if (verdict_.lives > lives_limit + (plan_.days_are_limited ? more_lives_for_days : 0))
        return ended("the story has no end");
      LifePlan plan = plan_for(verdict_.lives);
      retries += retry;
      if (retry) {
        plan.retry_failed = true;
        plan.fresh = false;
      }
      code = live(plan);
    }
    if (verdict_.violations.empty()) judge_end(*code);
    return ended();
  }

 private:
  static bool complete(const std::optional<int>& code) { return code && (*code == 0 || *code == 3); }

  LifePlan plan_for(std::size_t life) const {
    LifePlan good;
    good.pause_before = std::chrono::seconds(10);  // somebody looks at it
    LifePlan plan = life < plan_.lives.size() ? plan_.lives[life] : good;
    if (comes_back_next_day_) plan.pause_before = next_day;
    return plan;
  }

  Duration now() const { return world_.clock.now() - start_; }
  void violated(const std::string& what) {
    verdict_.violations.push_back(fmt::format("life {}, {:.3f} s: {}", life_, seconds(now()), what));
  }

  // One life. Nothing: the process was killed.
  std::optional<int> live(const LifePlan& plan) {
    life_ = verdict_.lives++;
    world_.clock.advance(world_.clock.now() + plan.pause_before);
    const TimePoint began = world_.clock.now();
    disk_failed_ = comes_back_next_day_ = false;
    if (plan.fresh) kept_.clear();
    if (plan.retry_failed) kept_ = rows_in({results_path});
    world_.files.begin_process([&](Call call, std::uint64_t number) { return fate_of(plan, call, number); });
    std::unique_ptr<Process> process;
    std::optional<int> code;
    try {
      process = std::make_unique<Process>(world_, life_, plan);
      code = run(*process, plan);
    } catch (const OutputError&) {
      if (!world_.files.killed()) code = 6;
    } catch (const UsageError& error) {
      violated(std::string("refused: ") + error.what());
      code = 2;
    }
    verdict_.killed_in_recovery += !code && !process;
    const TimePoint written = process ? process->written_through() : TimePoint{};
    const TimePoint synced = process ? process->synced_through() : TimePoint{};
    process.reset();
    verdict_.longest_life_s = std::max(verdict_.longest_life_s, seconds(world_.clock.now() - began));
    note(static_cast<std::uint64_t>(code.value_or(-1)));
    judge_what_is_sent();
    if (plan.max_cost) judge_cost(*plan.max_cost);
    if (code) {
      judge_exit(*code, plan, synced);
    } else {
      ++verdict_.killed;
      count_unknown();
      if (plan.power_fails) world_.files.lose_power(random_);
      judge_what_is_kept(plan.power_fails ? synced : written);
      if (!plan.power_fails) judge_what_is_sent_again();
    }
    return code;
  }

  std::optional<int> run(Process& process, const LifePlan& plan) {
    const TimePoint began = world_.clock.now();
    const auto after = [&](const std::optional<Duration>& time) { return time ? began + *time : never; };
    TimePoint signals[] = {after(plan.signal_after), after(plan.second_signal_after)};
    const TimePoint kill_at = after(plan.killed_after);
    for (;;) {
      const TimePoint outage_at = world_.network.let_outages_happen();
      const bool over = !world_.files.killed() && process.work();
      if (world_.files.killed() || world_.clock.now() >= kill_at) {
        dead_ = true;
        process.die();
        dead_ = false;
        return std::nullopt;
      }
      if (over) return process.exit_code();
      TimePoint next = std::min({process.next(), world_.clock.next(), outage_at, kill_at});
      for (TimePoint& at : signals) {
        if (world_.clock.now() >= at) {
          at = never;
          process.signal(SIGTERM);
          next = world_.clock.now();
        }
        next = std::min(next, at);
      }
      if (plan_.days_are_limited && !comes_back_next_day_ &&
          world_.clock.now() > last_sign(began) + patience) {
        comes_back_next_day_ = true;
        ++verdict_.days_waited;
        process.signal(SIGTERM);
        next = world_.clock.now();
      }
      if (next > began + life_limit) {
        violated("a run that does not end");
        process.die();
        return std::nullopt;
      }
      world_.clock.advance(std::max(next, world_.clock.now()));
    }
  }

  // When a request was sent or ended last.
  TimePoint last_sign(TimePoint sign) const {
    const auto& account = world_.network.account();
    if (account.empty()) return sign;
    const Sent& last = account.back();
    const bool open = last.ended_at < last.at;
    return std::max(sign, open ? world_.clock.now() : last.ended_at);
  }

  Doom fate_of(const LifePlan& plan, Call call, std::uint64_t number) {
    if (dead_) return {Fate::kill_before, EIO};
    if (plan.killed_at_call && number >= *plan.killed_at_call) {
      return {plan.killed_halfway ? Fate::kill_half : Fate::kill_before, EIO};
    }
    for (const DiskTrouble& trouble : plan_.disk_troubles) {
      const bool takes = call == Call::append || call == Call::sync || call == Call::name;
      if (!trouble.span.holds(now()) || (trouble.error == ENOSPC && !takes)) continue;
      if (trouble.takes_writes && (call == Call::append || call == Call::read || call == Call::look))
        continue;
      disk_failed_ = true;
      return {Fate::error, trouble.error};
    }
    const bool may_be_short = call == Call::append || call == Call::read;
    if (may_be_short && plan.short_calls > 0 && chance(plan.short_calls)) {
      return chance(0.5) ? Doom{Fate::half, 0} : Doom{Fate::interrupted, EINTR};
    }
    return {};
  }

  bool chance(double share) { return static_cast<double>(random_() >> 11) * 0x1p-53 < share; }

  // Rows with a line in what is left of the files, whether or not the program could go on from there.
  std::set<std::string> rows_in(std::initializer_list<const char*> paths) const {
    std::set<std::string> rows;
    for (const char* path : paths) {
      for (const OutputLine& line : read_output(world_.files.text(path)).lines) rows.insert(line.id);
    }
    return rows;
  }

  void count_unknown() {
    for (const Sent& sent : world_.network.account()) {
      verdict_.unknown += sent.life == life_ && sent.at + word_interval > world_.clock.now();
    }
  }

  // What stood in the files is not sent again.
  void judge_what_is_sent() {
    for (const Sent& sent : world_.network.account()) {
      if (sent.life == life_ && kept_.contains(sent.row))
        violated(sent.row + " has its line and is sent again");
    }
  }

  // What this life was answered cost no more than it might.
  void judge_cost(double most) {
    double tokens = 0;
    for (const Sent& sent : world_.network.account()) {
      if (sent.life != life_ || !sent.answered) continue;
      tokens += static_cast<double>(answer_to(row_of(sent), plan_.providers.front().scenario).tokens);
    }
    if (tokens * price_of_token > most + 1e-12)
      violated(fmt::format("spent {:.6f} USD of {:.6f}", tokens * price_of_token, most));
  }

  const RowPlan& row_of(const Sent& sent) const {
    return *std::find_if(plan_.rows.begin(), plan_.rows.end(),
                         [&](const RowPlan& row) { return row.id == sent.row; });
  }

  // What was answered before `safe` may not be lost with the process.
  void judge_what_is_kept(TimePoint safe) {
    kept_ = rows_in({results_path, errors_path});
    for (const Sent& sent : world_.network.account()) {
      if (sent.life != life_ || !sent.answered || sent.aborted || sent.ended_at + on_the_way > safe) continue;
      if (!kept_.contains(sent.row)) violated("lost the answer of " + sent.row);
    }
  }

  // A kill costs no more answers than may be in flight at once.
  void judge_what_is_sent_again() {
    std::map<std::string, const Sent*> last;  // by row
    for (const Sent& sent : world_.network.account()) {
      if (sent.life == life_) last[sent.row] = &sent;
    }
    const auto lost = std::count_if(last.begin(), last.end(), [&](const auto& row) {
      return (row.second->answered || row.second->aborted) && !kept_.contains(row.first);
    });
    if (lost > plan_.max_in_flight)
      violated(fmt::format("{} rows in flight are lost, of at most {}", lost, plan_.max_in_flight));
  }

  void judge_exit(int code, const LifePlan& plan, TimePoint synced) {
    const bool interrupted = code == 128 + SIGTERM;
    verdict_.interrupted += interrupted;
    verdict_.disk_failed += code == 6;
    verdict_.stopped += code == stopped_code;
    verdict_.retried += complete(code) && plan.retry_failed;
    verdict_.fresh += complete(code) && plan.fresh;
    if (interrupted && !plan.signal_after && !comes_back_next_day_) violated("says it was interrupted");
    if (code == 6 && !disk_failed_) violated("says that its output failed");
    if (code == stopped_code && !plan.max_cost) violated("says that a limit stopped it");
    if (!interrupted && code != 6 && code != stopped_code && !complete(code))
      violated(fmt::format("exit code {}", code));
    if (complete(code)) {
      judge_output(code);
    } else {
      judge_what_is_kept(synced);
    }
  }

  // Each row has one line, and it is what the provider has said.
  void judge_output(int code) {
    std::size_t bad = 0, failed = 0, spent = 0;
    const std::string results = world_.files.text(results_path), errors = world_.files.text(errors_path);
    std::vector<bool> seen(plan_.rows.size() + 1);
    std::uint64_t last = 0;
    for (const auto& [text, good] : {std::pair(&results, true), std::pair(&errors, false)}) {
      if (text->find("sk-canary") != std::string::npos) violated("a key stands in the output");
      const OutputText output = read_output(*text);
      bad += output.bad;
      for (const OutputLine& line : output.lines) {
        if (line.row < 1 || line.row > plan_.rows.size()) {
          violated("a line of no row");
          continue;
        }
        if (seen[line.row]) violated(fmt::format("row {} has two lines", line.row));
        seen[line.row] = true;
        failed += !good;
        spent += line.code.starts_with("all_");
        if (line.ok != good) violated(fmt::format("row {} is in the wrong file", line.row));
        if (plan_.ordered && good && line.row < last) violated("not in order");
        if (good) last = line.row;
        judge_line(plan_.rows[line.row - 1], line);
      }
    }
    verdict_.rows_failed = failed;
    verdict_.rows_spent = spent;
    if (bad > 0) violated(fmt::format("{} bad lines", bad));
    for (std::size_t row = 1; row <= plan_.rows.size(); ++row) {
      if (!seen[row]) violated(fmt::format("row {} has no line", row));
    }
    if (code != (failed > 0 ? 3 : 0)) violated(fmt::format("exit code {} and {} failed rows", code, failed));
  }

  void judge_line(const RowPlan& row, const OutputLine& line) {
    if (row.kind == RowPlan::Kind::unreadable) {
      if (line.code != "invalid_row") violated(row.id + " cannot be read: " + line.code);
      return;
    }
    if (line.id != row.id) violated(row.id + " has the line of " + line.id);
    if (line.ok) return judge_answer(row, line);
    if (row.kind == RowPlan::Kind::refused && line.code == "bad_request") return;
    if (line.code != "all_keys_failed" && line.code != "all_providers_failed") {
      return violated(fmt::format("{} failed with {}", row.id, line.code));
    }
    std::map<std::size_t, std::uint32_t> failures;  // by life
    for (const Sent& sent : world_.network.account())
      failures[sent.life] += sent.row == row.id && !sent.answered;
    const bool spent = std::any_of(failures.begin(), failures.end(),
                                   [](const auto& life) { return life.second >= attempts_limit; });
    if (!spent) violated(row.id + " was given up too early: " + line.code);
  }

  void judge_answer(const RowPlan& row, const OutputLine& line) {
    if (row.kind == RowPlan::Kind::refused) violated(row.id + " was refused, and has an answer");
    const mock::Completion said = answer_to(row, plan_.providers.front().scenario);
    if (line.text != said.text)
      violated(fmt::format("{} has \"{}\", not \"{}\"", row.id, line.text, said.text));
    const char* finish = said.finish == mock::Finish::length ? "length" : "stop";
    if (!line.finish.empty() && line.finish != finish)
      violated(fmt::format("{} ends with \"{}\", not \"{}\"", row.id, line.finish, finish));
    const auto& account = world_.network.account();
    if (std::none_of(account.begin(), account.end(),
                     [&](const Sent& sent) { return sent.row == row.id && sent.status == 200; })) {
      violated(row.id + " has an answer nobody gave");
    }
  }

  // Complete is complete: a power cut takes nothing, and another run has nothing to do.
  void judge_end(int code) {
    world_.files.lose_power(random_);
    judge_output(code);
    const std::size_t sent = world_.network.account().size();
    const std::optional<int> again = live({});
    if (again != code) violated(fmt::format("run again, it says {} after {}", again.value_or(-1), code));
    if (world_.network.account().size() != sent) violated("run again, it sends rows again");
    judge_account();
  }

  // Nothing is paid twice but what a process took with it.
  void judge_account() {
    std::map<std::string, std::size_t> answers;
    std::set<std::string> answered_in_life;
    std::size_t life = 0;
    TimePoint quiet_since = never;
    for (const Sent& sent : world_.network.account()) {
      note(sent);
      if (sent.life != life) {
        answered_in_life.clear();
        quiet_since = never;
      }
      life = sent.life;
      if (sent.at > quiet_since) {
        verdict_.longest_silence_s = std::max(verdict_.longest_silence_s, seconds(sent.at - quiet_since));
      }
      quiet_since = quiet_since == never ? sent.ended_at : std::max(quiet_since, sent.ended_at);
      if (answered_in_life.contains(sent.row)) violated(sent.row + " was answered and sent again");
      if (sent.answered && !sent.aborted) answered_in_life.insert(sent.row);
      verdict_.answered += sent.answered;
      verdict_.repeated += sent.answered && answers[sent.row]++ > 0;
    }
    for (std::size_t i = 0; i < plan_.providers.size(); ++i) {
      const mock::Counters counters = world_.network.counters(i);
      verdict_.admitted += counters.total.admitted;
      verdict_.refused += counters.total.refused;
      if (counters.malformed_http > 0) violated("a request that is not HTTP");
    }
  }

  void note(std::uint64_t value) { verdict_.trace = (verdict_.trace ^ value) * 0x100000001b3; }
  void note(const Sent& sent) {
    note(std::hash<std::string>()(sent.row) ^ (sent.provider << 8) ^ static_cast<std::uint64_t>(sent.status));
    note(static_cast<std::uint64_t>(sent.at.time_since_epoch().count()));
    note(static_cast<std::uint64_t>(sent.ended_at.time_since_epoch().count()));
  }

  Verdict ended(const char* why = nullptr) {
    if (why != nullptr) violated(why);
    note(std::hash<std::string>()(world_.files.text(results_path) + world_.files.text(errors_path)));
    verdict_.rows = plan_.rows.size();
    verdict_.seconds = seconds(now());
    verdict_.account = world_.network.account();
    verdict_.errors = world_.files.text(errors_path);
    return std::move(verdict_);
  }

  const Plan& plan_;
  const ScratchDir folder_;
  World world_{plan_};
  std::mt19937_64 random_;
  TimePoint start_;
  std::size_t life_ = 0;
  bool dead_ = false, disk_failed_ = false, comes_back_next_day_ = false;
  std::set<std::string> kept_;
  Verdict verdict_;
};

}  // namespace

Verdict tell(const Plan& plan) {
  return Story(plan).tell();
}

}  // namespace batchrun::story

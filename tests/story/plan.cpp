#include "tests/story/plan.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <random>

namespace batchrun::story {
namespace {

using mock::FaultKind;
using mock::FaultRule;
using mock::Flavour;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15) {}
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool chance(double share) { return between(0, 1) < share; }
  Duration time(double low_s, double high_s) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(between(low_s, high_s)));
  }
  template <class T, std::size_t n>
  const T& one_of(const std::array<T, n>& all) {
    return all[below(n)];
  }

 private:
  std::mt19937_64 random_;
};

struct Speaker {
  Flavour flavour;
  const char* name;  // as the config knows it
  const char* base;
  const char* model;
};
constexpr std::array<Speaker, 6> speakers{{
    {Flavour::openai, "openai", "/v1", "gpt-4o-mini"},
    {Flavour::groq, "groq", "/openai/v1", "llama-3.1-8b-instant"},
    {Flavour::cerebras, "cerebras", "/v1", "llama3.1-8b"},
    {Flavour::anthropic, "anthropic", "", "claude-haiku-4-5"},
    {Flavour::gemini, "gemini", "/v1beta", "gemini-2.5-flash"},
    {Flavour::ollama, "ollama", "", "llama3.2"},
}};

constexpr double story_s = 90;  // when faults of a time of their own strike
const char* const mark_of_refused = "poison";

// Faults that come now and then, for the whole story.
constexpr std::array now_and_then{
    FaultKind::status_500,
    FaultKind::status_502_html,
    FaultKind::status_503_empty,
    FaultKind::overloaded,
    FaultKind::rate_limit_429,
    FaultKind::html_200,
    FaultKind::empty_200,
    FaultKind::error_200,
    FaultKind::error_first_event,
    FaultKind::error_mid_stream,
    FaultKind::eof_without_done,
    FaultKind::done_without_finish,
    FaultKind::finish_without_done,
    FaultKind::malformed_json_event,
    FaultKind::comments,
    FaultKind::crlf,
    FaultKind::multi_line_data,
    FaultKind::no_final_blank_line,
    FaultKind::choices_empty_first,
    FaultKind::done_keeps_open,
    FaultKind::finish_keeps_open,
    FaultKind::truncated_chunked,
    FaultKind::reset_before_head,
    FaultKind::close_before_head,
    FaultKind::stall_before_head,
    FaultKind::reset_in_head,
    FaultKind::reset_in_body,
    FaultKind::stall_before_first_chunk,
    FaultKind::stall_mid_stream,
    FaultKind::plain_for_stream,
    FaultKind::keep_alives,
    FaultKind::no_usage,
};

constexpr std::array limiter_kinds{mock::LimiterKind::fixed_window, mock::LimiterKind::from_first,
                                   mock::LimiterKind::sliding_log, mock::LimiterKind::sliding_counter,
                                   mock::LimiterKind::token_bucket};
constexpr std::array retry_afters{mock::RetryAfter::integer, mock::RetryAfter::fraction,
                                  mock::RetryAfter::date,    mock::RetryAfter::milliseconds,
                                  mock::RetryAfter::none,    mock::RetryAfter::zero,
                                  mock::RetryAfter::garbage, mock::RetryAfter::negative};

class Author {
 public:
  explicit Author(std::uint64_t seed) : dice_(seed) { plan_.seed = seed; }

  Plan write() {
    wild_ = dice_.chance(0.8);
    tight_ = dice_.chance(0.4);
    plan_.days_are_limited = dice_.chance(0.1);
    plan_.streams = dice_.chance(0.7);
    plan_.ordered = dice_.chance(0.2);
    for (std::uint32_t first = dice_.below(6), n = 1 + dice_.below(4), i = 0; i < n; ++i) {
      add_provider(speakers[(first + i * 5) % speakers.size()]);
    }
    write_config();
    add_rows();
    if (wild_) spoil_network();
    if (wild_ && dice_.chance(0.15)) swizzle();
    spoil_disk();
    add_lives();
    return std::move(plan_);
  }

 private:
  void add_provider(const Speaker& speaker) {
    ProviderPlan provider;
    provider.host = fmt::format("{}.sim", speaker.name);
    mock::Scenario& scenario = provider.scenario;
    scenario.seed = 1;  // every provider gives a prompt the same answer
    scenario.flavour = speaker.flavour;
    scenario.chunks = 1 + dice_.below(6);
    scenario.first_chunk = {mock::Distribution::Kind::lognormal, dice_.between(50, 2000), 0.6, 20e3};
    scenario.between_chunks = {mock::Distribution::Kind::uniform, 1, dice_.between(2, 200)};
    std::string keys;
    for (std::uint32_t orgs = speaker.flavour == Flavour::ollama ? 1 : 1 + dice_.below(3), g = 0; g < orgs;
         ++g) {
      const std::string org = fmt::format("org-{}", g);
      const mock::OrganisationScenario limits = some_limits(speaker);
      scenario.organisations[org] = limits;
      for (std::uint32_t k = speaker.flavour == Flavour::ollama ? 1 : 1 + dice_.below(2); k > 0; --k) {
        const std::string secret = fmt::format("sk-canary-{}-{}", speaker.name, scenario.keys.size());
        scenario.keys[secret] = org;
        keys += fmt::format(R"({}{{"key": "{}", "group": "{}", "rateLimit": {}}})", keys.empty() ? "" : ", ",
                            secret, org, as_config(limits));
      }
    }
    if (speaker.flavour == Flavour::ollama) {  // asks for no key
      scenario.others = scenario.organisations["org-0"];
      scenario.keys.clear();
    }
    if (wild_) spoil(scenario);
    refuse_poison(scenario);
    if (wild_ && dice_.chance(0.35)) {
      const Duration from = dice_.time(0, story_s);
      provider.outages.push_back({{from, from + dice_.time(1, 90)}, dice_.chance(0.4)});
    }
    providers_ += fmt::format(
        R"({}"{}": {{"base_url": "https://{}{}", "default_model": "{}", "keys": [{}]}})",
        providers_.empty() ? "" : ",\n", speaker.name, provider.host, speaker.base, speaker.model, keys);
    models_.push_back(fmt::format("{}/{}", speaker.name, speaker.model));
    plan_.providers.push_back(std::move(provider));
  }

  mock::OrganisationScenario some_limits(const Speaker& speaker) {
    mock::OrganisationScenario org;
    org.limiter.kind = dice_.one_of(limiter_kinds);
    mock::Limits& limits = org.limits;
    const std::uint32_t wide = tight_ ? 1 : 10;
    if (dice_.chance(0.7)) limits.rpm = wide * (6 + dice_.below(30));
    if (dice_.chance(0.5)) limits.tpm = wide * (1500 + dice_.below(5000));  // the largest row has 1,100
    if (speaker.flavour == Flavour::anthropic) {
      if (dice_.chance(0.5)) limits.itpm = wide * (1000 + dice_.below(5000));
      if (dice_.chance(0.5)) limits.otpm = wide * (800 + dice_.below(2000));
    }
    if (dice_.chance(0.2)) limits.concurrency = 2 + dice_.below(8);
    if (plan_.days_are_limited) {
      if (dice_.chance(0.7)) limits.rpd = 6 + dice_.below(20);
      if (dice_.chance(0.4)) limits.tpd = 2000 + dice_.below(8000);
      if (speaker.flavour == Flavour::gemini) org.limiter.day = mock::DayStart::pacific;
    }
    return org;
  }

  static std::string as_config(const mock::OrganisationScenario& org) {
    const mock::Limits& l = org.limits;
    return fmt::format(
        R"({{"requestsPerMinute": {}, "tokensPerMinute": {}, "requestsPerDay": {}, "tokensPerDay": {}, )"
        R"("inputTokensPerMinute": {}, "outputTokensPerMinute": {}, "maxConcurrent": {}}})",
        l.rpm.value_or(0), l.tpm.value_or(0), l.rpd.value_or(0), l.tpd.value_or(0), l.itpm.value_or(0),
        l.otpm.value_or(0), l.concurrency);
  }

  void refuse_poison(mock::Scenario& scenario) {
    FaultRule rule;
    rule.kind = FaultKind::bad_request;
    rule.contains = mark_of_refused;
    scenario.faults.insert(scenario.faults.begin(), rule);  // the first that strikes is the one that happens
  }

  void spoil(mock::Scenario& scenario) {
    for (std::uint32_t n = dice_.below(4); n > 0; --n) {
      FaultRule rule;
      rule.kind = dice_.one_of(now_and_then);
      rule.probability = dice_.between(0.005, 0.06);
      rule.after_chunks = dice_.below(3);
      if (rule.kind == FaultKind::rate_limit_429) rule.retry_after = some_retry_after(scenario);
      scenario.faults.push_back(rule);
    }
    if (dice_.chance(0.2)) add_storm(scenario, FaultKind::rate_limit_429);
    if (dice_.chance(0.15)) add_storm(scenario, FaultKind::status_500);
    if (scenario.keys.size() > 1 && dice_.chance(0.2)) add_storm(scenario, FaultKind::unauthorized);
    if (scenario.organisations.size() > 1 && dice_.chance(0.1)) {
      FaultRule rule;
      rule.kind = dice_.chance(0.5) ? FaultKind::quota_exhausted : FaultKind::unauthorized;
      rule.organisation = "org-0";
      scenario.faults.push_back(rule);
    }
  }

  // A 429 of Anthropic's that names no time is its monthly cap.
  mock::RetryAfter some_retry_after(const mock::Scenario& scenario) {
    return scenario.flavour == Flavour::anthropic ? mock::RetryAfter::integer : dice_.one_of(retry_afters);
  }

  // All at once, for a while; of the keys only one is refused, which may be for good.
  void add_storm(mock::Scenario& scenario, FaultKind kind) {
    FaultRule rule;
    rule.kind = kind;
    rule.from_s = dice_.between(0, story_s);
    rule.until_s = rule.from_s + dice_.between(1, 40);
    if (kind == FaultKind::rate_limit_429) {
      rule.retry_after = some_retry_after(scenario);
      rule.seconds = dice_.between(0.2, 20);
    }
    if (kind == FaultKind::unauthorized) {
      rule.key = scenario.keys.begin()->first;
      if (dice_.chance(0.5)) rule.until_s = 1e9;
    }
    scenario.faults.push_back(rule);
  }

  void write_config() {
    constexpr std::array strategies{"saturate", "least-loaded", "round-robin", "lru",
                                    "weighted", "random",       "least-used"};
    std::string route;
    for (const std::string& model : models_)
      route += fmt::format("{}\"{}\"", route.empty() ? "" : ", ", model);
    plan_.config =
        fmt::format("{{\"strategy\": \"{}\",\n \"providers\": {{{}}},\n \"routes\": {{\"any\": [{}]}}}}",
                    dice_.chance(0.5) ? "saturate" : dice_.one_of(strategies), providers_, route);
    plan_.intake_bytes = dice_.chance(0.5) ? 2u << 20 : 1000 + dice_.below(20'000);
    plan_.lines_bytes = dice_.chance(0.5) ? 32u << 20 : 1000 + dice_.below(20'000);
  }

  void add_rows() {
    const std::uint32_t count = 20 + dice_.below(dice_.chance(0.2) ? 180 : 60);
    const double largest = dice_.between(3, 7.5);  // e^7.5 = 1800 octets of prompt
    for (std::uint32_t i = 0; i < count; ++i) {
      RowPlan row;
      row.id = fmt::format("row-{}", i);
      row.kind = dice_.chance(0.02)   ? RowPlan::Kind::unreadable
                 : dice_.chance(0.02) ? RowPlan::Kind::refused
                                      : RowPlan::Kind::good;
      row.prompt =
          fmt::format("{} [[{}]] ", row.kind == RowPlan::Kind::refused ? mark_of_refused : "say", row.id);
      row.prompt.append(static_cast<std::size_t>(std::exp(dice_.between(1, largest))), 'x');
      row.max_tokens = 1 + dice_.below(dice_.chance(0.1) ? 600 : 60);
      row.line = line_of(row);
      plan_.rows.push_back(std::move(row));
    }
  }

  std::string line_of(const RowPlan& row) {
    std::string to;
    const std::string& model = models_[dice_.below(static_cast<std::uint32_t>(models_.size()))];
    switch (dice_.below(4)) {
      case 0:
        to = fmt::format(R"(,"model":"{}")", model);
        break;
      case 1:
        to = R"(,"route":"any")";
        break;
      default:  // whoever can
        break;
    }
    const bool chat = dice_.chance(0.3);
    std::string line =
        fmt::format(R"({{"custom_id":"{}",{},"max_tokens":{}{}}})", row.id,
                    chat ? fmt::format(R"("messages":[{{"role":"user","content":"{}"}}])", row.prompt)
                         : fmt::format(R"("prompt":"{}")", row.prompt),
                    row.max_tokens, to);
    if (row.kind == RowPlan::Kind::unreadable) line.resize(line.size() / 2);
    return line;
  }

  void spoil_network() {
    NetworkPlan& network = plan_.network;
    const auto share = [&] { return dice_.chance(0.4) ? dice_.between(0, 0.05) : 0; };
    network.refused = share();
    network.no_connection = share() / 3;
    network.request_lost = share() / 3;
    network.reply_lost = share() / 3;
    network.cut = share();
    network.stalled = share() / 3;
    network.arrival_most = dice_.time(0.001, 0.25);
  }

  // All providers stop, one after the other, and come back in another order.
  void swizzle() {
    const Duration begin = dice_.time(0, 30);
    for (ProviderPlan& provider : plan_.providers) {
      const Duration from = begin + dice_.time(0, 10), to = begin + dice_.time(10, 60);
      provider.outages = {{{from, to}, dice_.chance(0.5)}};
    }
  }

  void spoil_disk() {
    if (dice_.chance(0.3)) plan_.disk_lag = dice_.time(0.001, dice_.chance(0.2) ? 3 : 0.1);
    if (!wild_ || !dice_.chance(0.3)) return;
    for (std::uint32_t n = 1 + dice_.below(2); n > 0; --n) {
      const Duration from = dice_.time(0, story_s / 2);
      plan_.disk_troubles.push_back(
          {{from, from + dice_.time(0.01, 20)}, dice_.chance(0.6) ? ENOSPC : EIO, dice_.chance(0.4)});
    }
  }

  void add_lives() {
    for (std::uint32_t n = dice_.below(5); n > 0; --n) {
      LifePlan life;
      if (dice_.chance(0.5)) {
        life.killed_after = dice_.time(0, dice_.chance(0.5) ? 5 : 40);
      } else if (dice_.chance(0.7)) {
        life.killed_at_call = dice_.below(dice_.chance(0.5) ? 30 : 400);  // the recovery's, or later
        life.killed_halfway = dice_.chance(0.5);
      } else {
        life.signal_after = dice_.time(0, 20);
        if (dice_.chance(0.3)) life.second_signal_after = *life.signal_after + dice_.time(0, 3);
      }
      life.power_fails = dice_.chance(0.5);
      if (dice_.chance(0.3)) life.short_calls = dice_.between(0, 0.2);
      life.pause_before = dice_.chance(0.5) ? Duration::zero() : dice_.time(0, 30);
      life.retry_failed = dice_.chance(0.15);
      life.fresh = !life.retry_failed && dice_.chance(0.1);
      if (dice_.chance(0.15)) life.max_cost = dice_.between(0, 0.002);
      plan_.lives.push_back(life);
    }
    plan_.retries_at_end = dice_.chance(0.3) ? 1 + dice_.below(2) : 0;
    plan_.max_in_flight = dice_.chance(0.5) ? 512 : 1 + dice_.below(12);
  }

  Dice dice_;
  Plan plan_;
  bool wild_ = false;   // everything goes wrong, else only processes end
  bool tight_ = false;  // quotas bind
  std::string providers_;
  std::vector<std::string> models_;
};

}  // namespace

Plan draw(std::uint64_t seed) {
  return Author(seed).write();
}

}  // namespace batchrun::story

// The real shard on a hand-turned clock and a written-down network: whole runs in milliseconds.
#include "runner/shard.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "io/row_reader.h"
#include "tests/support/effort.h"
#include "tests/support/sim_transport.h"

namespace batchrun {
namespace {

Settings settings_with_keys(std::uint32_t keys) {
  Settings settings;
  settings.stream = StreamMode::off;
  Provider provider;
  provider.name = "sim";
  provider.dialect = make_dialect(DialectKind::openai);
  provider.endpoint.origin.host = "sim.invalid";
  provider.endpoint.base_path = "/v1";
  provider.default_model = "m";
  settings.providers.push_back(std::move(provider));
  for (std::uint32_t i = 0; i < keys; ++i) {
    const std::string alias = "sim-" + std::to_string(i + 1);
    Key key;
    key.alias = alias;
    key.credential = Credential("secret-of-key-" + std::to_string(i + 1));
    settings.keys.push_back(std::move(key));
    settings.pool.groups.push_back({alias, {}});
    settings.pool.keys.push_back({alias, GroupId{i}, 0, 2});
  }
  settings.pool.settings.max_in_flight = 64;
  return settings;
}

SimReply answer_to(const Request& request, Duration delay) {
  SimReply reply;
  reply.delay = delay;
  const std::size_t at = request.body.find("row-");
  const std::string mark = request.body.substr(at, request.body.find('!', at) - at);
  reply.chunks = {
      fmt::format(R"({{"id":"c","object":"chat.completion","model":"m","choices":[{{"index":0,"message":)"
                  R"({{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],)"
                  R"("usage":{{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}}})",
                  mark)};
  return reply;
}

SimReply refusal(int status, std::string body, Duration delay) {
  SimReply reply;
  reply.delay = delay;
  reply.status = status;
  reply.chunks = {std::move(body)};
  return reply;
}

// A run of `rows` rows over a shard in virtual time. They come in batches, as the feeder hands them over.
struct Stage {
  Stage(Settings s, SimTransport::Server server)
      : settings(std::move(s)), transport(clock, context, std::move(server)) {}

  void run(int rows) {
    Intake batch;
    LaneSpec lane{"sim/m", {}};
    for (std::uint32_t i = 0; i < settings.keys.size(); ++i) lane.candidates.push_back({KeyId{i}, 0});
    batch.lanes.lanes.push_back(std::move(lane));
    batch.lanes.models.push_back("m");
    for (int i = 0; i < rows; ++i) {
      if (batch.rows.size() == 40) intake.put(std::exchange(batch, {}), 1);
      ++batch.rows_read;
      auto parsed = parse_row(
          fmt::format(R"({{"custom_id":"row-{0}","prompt":"row-{0}!","max_tokens":5{1}}})", i, more),
          static_cast<std::uint64_t>(i) + 1);
      Arrival arrival;
      arrival.row = std::move(std::get<RowPtr>(parsed));
      arrival.input_tokens = 9;
      arrival.max_output_tokens = 5;
      batch.rows.push_back(std::move(arrival));
    }
    intake.put(std::move(batch), 1);
    intake.close();
    if (disk_lag == Duration::zero()) lines.lines.on_item = [this] { write(); };
    Shard shard(settings, context, clock, transport, intake, lines, state);
    shard.start();
    if (disk_lag > Duration::zero())
      net::co_spawn(context, write_now_and_then(shard), [](const std::exception_ptr&) {});
    clock.run(context);
    EXPECT_TRUE(context.stopped()) << "the shard has come to its end";
    figures = shard.figures();
    starved = shard.starved();
    write();
  }

  void write() {
    while (auto some = lines.lines.try_pop()) {
      results += some->results;
      errors += some->errors;
      written += some->sent;
      lines.written.put(some->sent, 1);
    }
  }

  Task<void> write_now_and_then(const Shard& shard) {
    const std::unique_ptr<Alarm> alarm = clock.make_alarm(context);
    for (;;) {
      co_await alarm->wait_until(clock.now() + disk_lag);
      waits.emplace_back(shard.figures().waiting_for, shard.figures().waiting_reason);
      write();
    }
  }

  // How often each custom_id has a line in `text`.
  static std::map<std::string, int> ids(const std::string& text) {
    std::map<std::string, int> found;
    for (std::size_t at = 0; (at = text.find("\"custom_id\":\"", at)) != std::string::npos;) {
      at += 13;
      ++found[text.substr(at, text.find('"', at) - at)];
    }
    return found;
  }

  Settings settings;
  net::io_context context;
  ManualClock clock;
  SimTransport transport;
  IntakeQueue intake{1u << 20};
  LinesLink lines{64u << 20};
  Duration disk_lag{};                                  // lines are written as often
  std::vector<std::pair<Duration, std::string>> waits;  // what the shard said of them before each time
  std::size_t written = 0;  // rows with a line in the file, of those that were sent
  StateLink state{4};
  std::string more;  // members of each row, after a comma
  RunFigures figures;
  bool starved = false;
  std::string results, errors;
};

TEST(Shard, AnswersEveryRowWithItsOwnAnswer) {
  Stage stage(settings_with_keys(2),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(1000);
  EXPECT_EQ(stage.figures.rows_ok, 1000u);
  EXPECT_EQ(stage.errors, "");
  std::size_t line_start = 0;
  for (int n = 0; n < 1000; ++n) {
    const std::size_t line_end = stage.results.find('\n', line_start);
    const std::string line = stage.results.substr(line_start, line_end - line_start);
    const std::string id =
        line.substr(line.find("row-"), line.find('"', line.find("row-")) - line.find("row-"));
    EXPECT_NE(line.find("\"content\":\"" + id + "\""), std::string::npos) << line;
    line_start = line_end + 1;
  }
}

// The first octet of an answer that is not streamed comes when the last token has been made.
TEST(Shard, WaitsForAWholeAnswerAsLongAsForAnything) {
  for (const StreamMode mode : {StreamMode::off, StreamMode::on}) {
    Settings settings = settings_with_keys(1);
    settings.stream = mode;
    Stage stage(std::move(settings),
                [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
    stage.run(1);
    const Deadlines& deadlines = stage.transport.last_deadlines;
    EXPECT_EQ(deadlines.first_chunk == deadlines.total, mode == StreamMode::off);
    EXPECT_EQ(deadlines.total, std::chrono::minutes(10));
  }
}

// A provider that takes half a minute for its first chunk is given two.
TEST(Shard, WaitsForAFirstChunkAsTheProviderIsSlow) {
  for (const auto& [delay, patience] :
       {std::pair(std::chrono::seconds(1), 60.0), {std::chrono::seconds(30), 120.0}}) {
    Settings settings = settings_with_keys(1);
    settings.stream = StreamMode::on;
    settings.pool.settings.max_in_flight = 1;  // one after another
    Stage stage(std::move(settings),
                [delay = delay](const Request& r, TimePoint) { return answer_to(r, delay); });
    stage.run(3);
    EXPECT_NEAR(std::chrono::duration<double>(stage.transport.last_deadlines.first_chunk).count(), patience,
                patience / 50);
  }
}

TEST(Shard, EndsEachRowExactlyOnceWhateverTheServerDoes) {
  for (std::uint64_t seed = 1; seed <= seeds_of(60); ++seed) {
    std::mt19937_64 random(seed);
    Settings settings = settings_with_keys(1 + static_cast<std::uint32_t>(random() % 4));
    settings.pool.settings.seed = seed;
    if (random() % 2 == 0) {
      for (GroupSpec& group : settings.pool.groups) group.limits[0] = 600;
    }
    Stage stage(std::move(settings), [&random](const Request& r, TimePoint) -> SimReply {
      const Duration delay = std::chrono::milliseconds(1 + random() % 400);
      switch (random() % 20) {
        case 0:
          return refusal(500, "<html>broken</html>", delay);
        case 1:
          return refusal(
              429, R"({"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}})",
              delay);
        case 2:
          return refusal(400, R"({"error":{"message":"bad","type":"invalid_request_error"}})", delay);
        case 3: {
          SimReply cut = answer_to(r, delay);
          cut.chunks[0].resize(cut.chunks[0].size() / 2);
          cut.fault = Fault{FaultKind::truncated_reply, 0, "cut", {}, {}};
          return cut;
        }
        case 4: {
          SimReply lost;
          lost.delay = delay;
          lost.status = 0;
          lost.fault = Fault{FaultKind::connect, 0, "reset", {}, {}};
          return lost;
        }
        default:
          return answer_to(r, delay);
      }
    });
    stage.run(200);
    std::map<std::string, int> seen = Stage::ids(stage.results);
    for (const auto& [id, n] : Stage::ids(stage.errors)) seen[id] += n;
    ASSERT_EQ(seen.size(), 200u) << "seed " << seed;
    for (const auto& [id, n] : seen) {
      // An error line names its row twice: as its id, and in the request it gives back.
      ASSERT_EQ(stage.results.find("\"" + id + "\"") != std::string::npos ? 1 : 2, n)
          << id << " seed " << seed;
    }
    EXPECT_EQ(stage.figures.rows_ok + stage.figures.rows_failed, 200u) << "seed " << seed;
    EXPECT_FALSE(stage.starved);
  }
}

TEST(Shard, ARowIsInFlightUntilItsLineIsWritten) {
  constexpr std::size_t most = 8;
  for (const Duration lag : {Duration::zero(), Duration(std::chrono::milliseconds(50))}) {
    Settings settings = settings_with_keys(2);
    settings.pool.settings.max_in_flight = most;
    std::size_t sent = 0, most_seen = 0;
    Stage* on = nullptr;
    Stage stage(std::move(settings), [&](const Request& r, TimePoint) {
      most_seen = std::max(most_seen, ++sent - on->written);
      if (sent % 10 == 0)
        return refusal(400, R"({"error":{"message":"bad","type":"invalid_request_error"}})",
                       std::chrono::milliseconds(5));
      return answer_to(r, std::chrono::milliseconds(1 + sent % 20));
    });
    on = &stage;
    stage.disk_lag = lag;
    stage.run(200);
    EXPECT_EQ(stage.figures.rows_ok, 180u);
    EXPECT_EQ(stage.figures.rows_failed, 20u);
    EXPECT_EQ(most_seen, most);
  }
}

TEST(Shard, SaysThatItWaitsForTheOutput) {
  Settings settings = settings_with_keys(2);
  settings.pool.settings.max_in_flight = 8;
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(10)); });
  stage.disk_lag = std::chrono::seconds(5);
  stage.run(20);
  ASSERT_EQ(stage.figures.rows_ok, 20u);
  ASSERT_GE(stage.waits.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stage.waits[i].second, "the output has taken no lines for so long");
    EXPECT_NEAR(seconds(stage.waits[i].first), 4.9, 0.1);
  }
  EXPECT_EQ(stage.figures.waiting_reason, "");
}

TEST(Shard, StarvesWithoutBurningRowsWhenEveryKeyIsRefused) {
  int requests = 0;
  Stage stage(settings_with_keys(2), [&requests](const Request&, TimePoint) {
    ++requests;
    return refusal(401, R"({"error":{"message":"Incorrect API key","code":"invalid_api_key"}})",
                   std::chrono::milliseconds(5));
  });
  stage.run(500);
  EXPECT_TRUE(stage.starved);
  EXPECT_EQ(stage.results, "");
  EXPECT_EQ(stage.errors, "");
  EXPECT_LT(requests, 200);
}

TEST(Shard, WaitsOutAnOutageAndResumesByItself) {
  const TimePoint start{std::chrono::hours(1)};
  int during_outage = 0;
  Stage stage(settings_with_keys(2), [&](const Request& r, TimePoint now) {
    if (now < start + std::chrono::minutes(5)) {
      ++during_outage;
      return refusal(503, "", std::chrono::milliseconds(5));
    }
    return answer_to(r, std::chrono::milliseconds(5));
  });
  stage.run(300);
  EXPECT_EQ(stage.figures.rows_ok, 300u);
  EXPECT_LT(during_outage, 330);
}

TEST(Shard, AnOutageUsesUpNotEvenARowThatIsAlone) {
  const TimePoint start{std::chrono::hours(1)};
  int sends = 0;
  Stage stage(settings_with_keys(1), [&](const Request& r, TimePoint now) {
    ++sends;
    if (now < start + std::chrono::hours(2)) {
      SimReply refused;
      refused.delay = std::chrono::milliseconds(1);
      refused.status = 0;
      refused.fault = Fault{FaultKind::connect, 0, "Connection refused", {}, {}};
      return refused;
    }
    return answer_to(r, std::chrono::milliseconds(5));
  });
  stage.run(1);
  EXPECT_EQ(stage.figures.rows_ok, 1u);
  EXPECT_LT(sends, 250);  // a probe a minute
}

TEST(Shard, ARowWhoseDayDoesNotTurnInTimeIsToldWhichLimitAndWhen) {
  Settings settings = settings_with_keys(1);
  settings.pool.settings.row_deadline = std::chrono::minutes(10);
  settings.pool.settings.row_deadline_is_firm = true;
  settings.pool.settings.epoch =
      std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + std::chrono::hours(6);
  settings.pool.groups[0].limits[static_cast<std::size_t>(Dimension::requests_per_day)] = 3;
  settings.pool.groups[0].day = DayRule::utc_midnight;
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(5);
  EXPECT_EQ(stage.figures.rows_ok, 3u);
  EXPECT_EQ(stage.figures.rows_failed, 2u);
  EXPECT_EQ(Stage::ids(stage.errors).size(), 2u);
  EXPECT_NE(
      stage.errors.find("\"code\":\"deadline\",\"message\":\"the row's deadline passed while it waited for "
                        "sim-1: its requests per day are used up until 2026-11-23T00:00:00Z; a longer "
                        "--row-deadline waits for that\""),
      std::string::npos)
      << stage.errors;
}

TEST(Shard, NeverWritesASecretTheProviderEchoes) {
  Stage stage(settings_with_keys(1), [](const Request&, TimePoint) {
    return refusal(400,
                   R"({"error":{"message":"bad key secret-of-key-1 here","type":"invalid_request_error"}})",
                   std::chrono::milliseconds(5));
  });
  stage.run(3);
  EXPECT_EQ(stage.figures.rows_failed, 3u);
  EXPECT_EQ(stage.errors.find("secret-of-key"), std::string::npos) << stage.errors;
}

TEST(Shard, TellsOnceASecondWhatWasChargedAndLosesNothingWhenNobodyListens) {
  Settings settings = settings_with_keys(1);
  settings.pool.groups[0].limits[0] = 6000;
  settings.pool.settings.keep_history = true;
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(1000);  // ten seconds of them
  ASSERT_EQ(stage.figures.rows_ok, 1000u);
  std::vector<double> told;
  double tokens = 0;
  while (const auto news = stage.state.news.try_pop()) {
    ASSERT_EQ(news->groups.size(), 1u);
    told.push_back(0);
    for (const SentSlot& slot : news->groups.front().sent) {
      told.back() += slot.cost.requests;
      tokens += slot.cost.tokens();
    }
  }
  ASSERT_EQ(told.size(), 5u) << "as many as the queue holds, and the last in any case";
  EXPECT_NEAR(told[0], 200, 20) << "a second's worth, and the burst before it";
  for (std::size_t i = 1; i < 4; ++i) EXPECT_NEAR(told[i], 100, 20) << "a second's worth";
  EXPECT_EQ(told[0] + told[1] + told[2] + told[3] + told[4], 1000);
  EXPECT_EQ(tokens, 14'000) << "nine read and five reserved for each";
}

TEST(Shard, TellsNothingOfWhatWasChargedUnlessAsked) {
  Stage stage(settings_with_keys(1),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(10);
  EXPECT_FALSE(stage.state.news.try_pop().has_value());
}

TEST(Shard, RunsManyRowsInLittleRealTime) {
  Settings settings = settings_with_keys(4);
  for (GroupSpec& group : settings.pool.groups) group.limits[0] = 6000;
  settings.pool.settings.max_in_flight = 512;
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(300)); });
  stage.run(20'000);
  EXPECT_EQ(stage.figures.rows_ok, 20'000u);
  const double virtual_seconds = seconds(stage.figures.elapsed);
  EXPECT_GT(virtual_seconds, 20'000 / 400.0 * 0.97);  // 4 x 100 a second is what the limits allow
  EXPECT_LT(virtual_seconds, 20'000 / 400.0 * 1.05);
}

// A dollar for each answer of 9 + 3 tokens; at most $1.3 by the row's own limits (9 text bytes and 32 around
// it).
Settings priced(double run_cap) {
  Settings settings = settings_with_keys(2);
  settings.providers[0].price_name = "sim";
  settings.prices.emplace(R"({"models":[{"provider":"sim","id":"m","input":0,"output":333333.333333}]})", "p",
                          "2026-11-22");
  if (run_cap > 0) settings.spend.run = static_cast<Picodollars>(run_cap * 1e12);
  return settings;
}

TEST(Shard, CountsWhatAnswersCost) {
  Stage stage(priced(0),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(100);
  EXPECT_NEAR(dollars(stage.figures.cost.total), 100, 0.001);
  EXPECT_NEAR(dollars(stage.figures.cost.by_model.at("sim/m")), 100, 0.001);
  EXPECT_EQ(stage.figures.cost.by_key.at("sim-1") + stage.figures.cost.by_key.at("sim-2"),
            stage.figures.cost.total);
  EXPECT_EQ(stage.figures.cost.unpriced_rows, 0u);
  EXPECT_NE(stage.results.find("\"cost_usd\":0.999999999999,"), std::string::npos)
      << stage.results.substr(0, 600);
}

TEST(Shard, AnswersWithoutAPriceAreCountedApart) {
  Settings settings = priced(0);
  settings.providers[0].price_name = "other";
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(5);
  EXPECT_EQ(stage.figures.cost.unpriced_rows, 5u);
  EXPECT_EQ(stage.results.find("cost_usd"), std::string::npos);
}

// The cap is used as far as whole rows fit, never overshot, and nothing that was let in is lost.
TEST(Shard, TheCapOnCostIsNotOvershot) {
  for (const double cap : {1.0, 10.0, 20.5, 63.0}) {
    Stage stage(priced(cap),
                [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
    stage.run(200);
    EXPECT_LE(dollars(stage.figures.cost.total), cap);
    EXPECT_GE(dollars(stage.figures.cost.total), cap - 1.7) << "at most one row's reserve is left";
    EXPECT_TRUE(stage.figures.cost_limit_reached);
    EXPECT_LT(stage.figures.rows_ok, 200u);
    EXPECT_EQ(stage.figures.rows_failed, 0u);
    EXPECT_EQ(stage.figures.cost.perhaps_billed, 0u);
  }
}

// A provider some of whose answers break off or come too late, and that bills those as it likes.
class Biller {
 public:
  explicit Biller(std::uint64_t seed) : random_(seed) {}

  SimReply operator()(const Request& request, TimePoint) {
    SimReply reply = answer_to(request, std::chrono::milliseconds(1 + random_() % 200));
    const std::size_t at = request.body.find("row-");
    most_sends = std::max(most_sends, ++sends_[request.body.substr(at, request.body.find('!', at) - at)]);
    switch (random_() % 8) {
      case 0:
        return refusal(500, "", reply.delay);
      case 1:
        reply.chunks[0].resize(40);
        reply.fault = Fault{FaultKind::truncated_reply, 0, "cut", {}, {}};
        billed += perhaps();
        return reply;
      case 2:
        reply.status = 0;
        reply.fault = Fault{FaultKind::timeout_first_chunk, 0, "late", {}, {}};
        billed += perhaps();
        return reply;
      default:
        billed += 3 * a_third;
        return reply;
    }
  }

  double billed = 0;
  int most_sends = 0;  // for one row

 private:
  static constexpr double a_third = 0.333333333333;  // for each token, of which a row allows five
  double perhaps() { return static_cast<double>(random_() % 6) * a_third; }
  std::mt19937_64 random_;
  std::map<std::string, int> sends_;
};

TEST(Shard, NoCapIsOvershotByRequestsThatFailAndAreBilled) {
  for (std::uint64_t seed = 1; seed <= seeds_of(60); ++seed) {
    const bool of_user = seed % 2 == 0;
    constexpr double cap = 60;
    Settings settings = priced(of_user ? 0 : cap);
    if (of_user) settings.spend.each_user = static_cast<Picodollars>(cap * 1e12);
    settings.pool.settings.seed = seed;
    Biller biller(seed);
    Stage stage(std::move(settings),
                [&biller](const Request& request, TimePoint now) { return biller(request, now); });
    stage.more = R"(,"metadata":{"user_id":"ann"})";
    stage.run(100);
    const RunFigures& figures = stage.figures;
    EXPECT_LE(biller.billed, cap) << "seed " << seed;
    EXPECT_LE(biller.billed, dollars(figures.cost.total + figures.cost.perhaps) + 1e-6) << "seed " << seed;
    EXPECT_GE(dollars(figures.cost.total + figures.cost.perhaps), cap - 1.7) << "seed " << seed;
    EXPECT_GT(figures.cost.perhaps_billed, 0u);
    EXPECT_LE(biller.most_sends, 6) << "seed " << seed;
    EXPECT_EQ(figures.cost_limit_reached, !of_user);
    // Each row of a user's has its line; those that the run's cap leaves are another run's.
    const std::uint64_t ended = figures.rows_ok + figures.rows_failed;
    EXPECT_TRUE(of_user ? ended == 100 : ended < 100) << ended << " seed " << seed;
    EXPECT_EQ(of_user, stage.errors.find("\"code\":\"cost_limit\"") != std::string::npos) << "seed " << seed;
  }
}

// With a cap that has room for all of it, with one that has not, and without any.
TEST(Shard, ARowThatAlwaysFailsEndsAfterItsAttempts) {
  for (const double cap : {0.0, 1000.0, 5.0}) {
    Stage stage(priced(cap), [](const Request& r, TimePoint) {
      SimReply cut = answer_to(r, std::chrono::milliseconds(20));
      cut.chunks[0].resize(40);
      cut.fault = Fault{FaultKind::truncated_reply, 0, "cut", {}, {}};
      return cut;
    });
    stage.run(1);
    const bool enough = cap != 5;  // for six attempts of $1.67
    EXPECT_EQ(stage.figures.rows_failed, enough ? 1u : 0u) << cap;
    EXPECT_EQ(stage.errors.find("all_providers_failed") != std::string::npos, enough) << stage.errors;
    EXPECT_EQ(stage.figures.attempts, enough ? 6u : 3u) << cap;
    EXPECT_EQ(stage.figures.cost_limit_reached, !enough);
  }
}

TEST(Shard, ACapNeedsAPrice) {
  Settings settings = priced(5);
  settings.providers[0].price_name = "other";
  Stage stage(std::move(settings),
              [](const Request& r, TimePoint) { return answer_to(r, std::chrono::milliseconds(20)); });
  stage.run(3);
  EXPECT_EQ(stage.figures.rows_failed, 3u);
  EXPECT_EQ(stage.figures.attempts, 0u);
  EXPECT_NE(stage.errors.find("\"code\":\"no_price\""), std::string::npos) << stage.errors;
}

}  // namespace
}  // namespace batchrun

#include "runner/routing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "io/row_reader.h"

namespace batchrun {
namespace {

// openai: two keys, the second for gpt-4o only; groq: one key, tagged, no list; idle: no keys.
Settings pool() {
  Settings settings;
  for (const char* name : {"openai", "groq", "idle"}) {
    Provider& provider = settings.providers.emplace_back();
    provider.name = name;
    provider.dialect = make_dialect(provider.name == "groq" ? DialectKind::groq : DialectKind::openai);
  }
  settings.providers[0].default_model = "gpt-4o-mini";
  settings.keys.push_back({0, "openai-1", {}, {}, {}});
  settings.keys.push_back({0, "openai-2", {}, {"gpt-4o"}, {"paid"}});
  settings.keys.push_back({1, "groq-1", {}, {}, {"free"}});
  settings.routes.push_back({"small", {{1, "llama"}, {0, "gpt-4o-mini"}}});
  return settings;
}

// A caller that keeps what it takes, as the shard does.
class Caller {
 public:
  explicit Caller(Settings settings) : settings_(std::move(settings)), routing_(settings_) {}

  // "key:model key:model", or "!message".
  std::string ask(const Row& row) {
    const std::variant<LaneId, NoRoute> answer = routing_.resolve(row);
    NewLanes fresh = routing_.take_new();
    for (LaneSpec& lane : fresh.lanes) lanes_.push_back(std::move(lane));
    for (std::string& model : fresh.models) models_.push_back(std::move(model));
    if (const NoRoute* refused = std::get_if<NoRoute>(&answer)) {
      EXPECT_EQ(refused->code, "no_route");
      return "!" + refused->message;
    }
    std::string out;
    for (const Candidate& candidate : lanes_.at(std::get<LaneId>(answer).value).candidates) {
      EXPECT_EQ(routing_.model(candidate.model), models_.at(candidate.model));
      out += (out.empty() ? "" : " ") + settings_.keys.at(candidate.key.value).alias + ":" +
             models_.at(candidate.model);
    }
    return out;
  }
  std::size_t lanes() const { return lanes_.size(); }
  Routing& routing() { return routing_; }

 private:
  Settings settings_;
  Routing routing_;
  std::vector<LaneSpec> lanes_;
  std::vector<std::string> models_;
};

Row row(const std::string& model, const std::string& provider = "", const std::string& route = "",
        const std::vector<std::string>& tags = {}) {
  Row out;
  out.model = model;
  out.provider = provider;
  out.route = route;
  out.tags = tags;
  return out;
}

TEST(Routing, TakesTheNameOfAProviderThatIsNotConfiguredForAPartOfTheModels) {
  Settings settings = pool();
  settings.keys[1].models = {"anthropic/listed"};
  Caller caller(std::move(settings));
  EXPECT_EQ(caller.ask(row("anthropic/listed")), "openai-1:anthropic/listed openai-2:anthropic/listed");
  EXPECT_EQ(caller.ask(row("gemini/x")), "openai-1:gemini/x groq-1:gemini/x");
}

TEST(Routing, FindsTheKeysThatMayAnswer) {
  Caller caller(pool());
  const std::pair<Row, std::string> cases[] = {
      {row(""), "openai-1:gpt-4o-mini"},
      {row("gpt-4o"), "openai-1:gpt-4o openai-2:gpt-4o"},
      {row("gpt-4o-mini"), "openai-1:gpt-4o-mini"},
      {row("unheard-of"), "openai-1:unheard-of groq-1:unheard-of"},
      {row("groq/llama"), "groq-1:llama"},
      {row("groq,llama"), "groq-1:llama"},
      {row("groq/openai/gpt-oss-20b"), "groq-1:openai/gpt-oss-20b"},
      {row("meta-llama/llama-4"), "openai-1:meta-llama/llama-4 groq-1:meta-llama/llama-4"},
      {row("openai/gpt-oss-20b", "groq"), "groq-1:openai/gpt-oss-20b"},
      {row("", "openai"), "openai-1:gpt-4o-mini"},
      {row("gpt-4o", "openai"), "openai-1:gpt-4o openai-2:gpt-4o"},
      {row("", "", "small"), "groq-1:llama openai-1:gpt-4o-mini"},
      {row("ignored", "", "small"), "groq-1:llama openai-1:gpt-4o-mini"},
      {row("gpt-4o", "", "", {"paid"}), "openai-2:gpt-4o"},
      {row("gpt-4o", "", "", {"nope", "paid"}), "openai-2:gpt-4o"},
      {row("", "", "small", {"free"}), "groq-1:llama"},
  };
  for (const auto& [asked, expected] : cases)
    EXPECT_EQ(caller.ask(asked), expected) << asked.model << asked.route;
}

TEST(Routing, SendsARowOnlyWhereItIsHonoured) {
  Caller caller(pool());
  Row two = row("unheard-of");
  two.needs.add(Feature::choices);
  EXPECT_EQ(caller.ask(two), "openai-1:unheard-of") << "groq answers once only";
  EXPECT_EQ(caller.ask(row("unheard-of")), "openai-1:unheard-of groq-1:unheard-of");
  Row seeded = row("unheard-of");
  seeded.needs.add(Feature::seed);
  const std::size_t lanes = caller.lanes();
  EXPECT_EQ(caller.ask(seeded), "openai-1:unheard-of groq-1:unheard-of");
  EXPECT_EQ(caller.lanes(), lanes) << "what all can honour makes no lane of its own";
  two.provider = "groq";
  EXPECT_EQ(caller.ask(two), "!no candidate can answer this row as it asks: groq cannot honour n above 1");
  two.provider = "";
  two.route = "small";
  EXPECT_EQ(caller.ask(two), "openai-1:gpt-4o-mini") << "a route goes on without the ones that cannot";
}

TEST(Routing, ThePriceTableSaysWhoseAModelIs) {
  Settings settings = pool();
  settings.providers[0].price_name = "openai";
  settings.providers[1].price_name = "groq";
  settings.prices.emplace(R"({"models":[{"provider":"groq","id":"llama-x"}]})", "p.json", "2026-11-22");
  Caller caller(std::move(settings));
  EXPECT_EQ(caller.ask(row("llama-x")), "groq-1:llama-x");
  EXPECT_EQ(caller.ask(row("llama-x-20260101")), "groq-1:llama-x-20260101");
  EXPECT_EQ(caller.ask(row("llama-y")), "openai-1:llama-y groq-1:llama-y");
  EXPECT_EQ(caller.ask(row("gpt-4o")), "openai-1:gpt-4o openai-2:gpt-4o") << "the config goes first";
}

TEST(Routing, SendsARowOnlyWhereItsInterfaceIs) {
  Caller caller(pool());
  Row search = row("");
  search.api = Api::search;
  EXPECT_EQ(caller.ask(search),
            "!no candidate can answer this row as it asks: openai does not answer a search row; "
            "groq does not answer a search row");
  Row messages = row("claude", "groq");
  messages.api = Api::anthropic_messages;
  EXPECT_EQ(caller.ask(messages),
            "!no candidate can answer this row as it asks: groq does not answer a row for /v1/messages");
}

TEST(Routing, SendsASearchOnlyWhereItsParametersAre) {
  Settings settings;
  for (const char* name : {"serpapi", "serper"}) {
    Provider& provider = settings.providers.emplace_back();
    provider.name = name;
    provider.dialect = make_dialect(dialect_named(name).value());
    settings.keys.push_back({settings.providers.size() - 1, provider.name + "-1", {}, {}, {}});
  }
  Caller caller(std::move(settings));
  Row search = row("");
  search.api = Api::search;
  EXPECT_EQ(caller.ask(search), "serpapi-1: serper-1:");
  search.needs.add(Feature::serper_parameter);
  EXPECT_EQ(caller.ask(search), "serper-1:");
  search.needs.add(Feature::serpapi_parameter);
  EXPECT_EQ(
      caller.ask(search),
      "!no candidate can answer this row as it asks: serpapi cannot honour a parameter that only Serper has; "
      "serper cannot honour a parameter that only SerpApi has");
}

TEST(Routing, NamesTheParameterThatNobodyKnows) {
  Settings settings;
  for (const char* name : {"gemini", "serpapi", "openai"}) {
    Provider& provider = settings.providers.emplace_back();
    provider.name = name;
    provider.default_model = "m";
    provider.dialect = make_dialect(dialect_named(name).value());
    settings.keys.push_back({settings.providers.size() - 1, provider.name + "-1", {}, {}, {}});
  }
  Caller caller(std::move(settings));
  const auto refusal = [&](const char* line) {
    auto parsed = parse_row(line, 1);
    return caller.ask(*std::get<RowPtr>(parsed));
  };
  const std::string start = "!no candidate can answer this row as it asks: ";
  EXPECT_EQ(refusal(R"({"provider":"gemini","prompt":"x","temprature":1})"),
            start + R"(gemini cannot honour "temprature" (a parameter unknown to batchrun))");
  EXPECT_EQ(refusal(R"({"provider":"gemini","body":{"messages":[{"content":"x"}],"top-k":1}})"),
            start + R"(gemini cannot honour "top-k" (a parameter unknown to batchrun))");
  EXPECT_EQ(refusal(R"({"provider":"gemini","body":{"messages":[{"content":"x"}],"provider":{"order":[]}}})"),
            start + R"(gemini cannot honour "provider" (a parameter unknown to batchrun))");
  EXPECT_EQ(refusal(R"({"provider":"gemini","prompt":"x","max_output_tokens":5})"),
            start + R"(gemini cannot honour "max_output_tokens" (a parameter unknown to batchrun))");
  EXPECT_EQ(refusal(R"({"provider":"gemini","prompt":"x","response_format":{"type":"grammar"}})"),
            start + "gemini cannot honour a value unknown to batchrun (a role, a type, ...)");
  EXPECT_EQ(refusal(R"({"provider":"gemini","prompt":"x","logit_bias":{"1":1},"min_p":1,"verbosity":"low"})"),
            start + "gemini cannot honour min_p, logit_bias, verbosity")
      << "all of them, so that they are mended in one go";
  EXPECT_EQ(refusal(R"({"query":"x","nun":1})"),
            start + R"(serpapi cannot honour "nun" (a parameter unknown to batchrun))")
      << "and nothing of those that do not search";
}

TEST(Routing, RefusesWithAReasonAndTheNearestName) {
  Caller caller(pool());
  const std::pair<Row, std::vector<std::string>> cases[] = {
      {row("x", "gorq"), {"no provider \"gorq\"", "did you mean \"groq\"?"}},
      {row("x", "idle"), {"no key of idle is in use"}},
      {row("idle/x"), {"no key of idle is in use"}},
      {row("", "groq"), {"no model is named", "groq"}},
      {row("", "", "smal"), {"no route \"smal\"", "did you mean \"small\"?"}},
      {row("gpt-4o", "groq", "", {"paid"}), {"no key of groq with one of the tags paid"}},
      {row("openai/"), {"!\"openai/\" names a provider and no model"}},
      {row("groq,"), {"!\"groq,\" names a provider and no model"}},
      {row("", "", "small", {"paid"}), {"no key with one of the tags paid"}},
      {row("", "", "", {"free"}), {"no model is named"}},
      {row("", "", "", {"gold"}), {"!no key has the tag gold"}},
      {row("gpt-4o", "", "", {"gold", "old"}), {"!no key has one of the tags gold, old"}},
      {row("x\x1b[31m\n", "groq", "", {"paid"}), {"\\x1b[31m\\n"}},
      {row("", "", "", {"\x1b]0;t\x07"}), {"\\x1b]0;t\\x07"}},
  };
  for (const auto& [asked, parts] : cases) {
    const std::string answer = caller.ask(asked);
    EXPECT_EQ(answer.substr(0, 1), "!");
    for (const std::string& part : parts) EXPECT_NE(answer.find(part), std::string::npos) << answer;
    EXPECT_EQ(answer.find('\x1b'), std::string::npos);
  }
  Settings listed = pool();
  listed.keys[0].models = {"gpt-4o-mini"};
  listed.keys[2].models = {"llama"};
  EXPECT_EQ(Caller(std::move(listed)).ask(row("gpt-4o-mni")),
            "!no key serves the model \"gpt-4o-mni\"; did you mean \"gpt-4o-mini\"?");
}

TEST(Routing, FillsInTheOperatorsDefaults) {
  const auto with = [](const std::string& provider, const std::string& model) {
    Settings settings = pool();
    settings.provider = provider;
    settings.model = model;
    return Caller(std::move(settings));
  };
  EXPECT_EQ(with("groq", "llama").ask(row("")), "groq-1:llama");
  EXPECT_EQ(with("groq", "").ask(row("llama")), "groq-1:llama");
  EXPECT_EQ(with("groq", "").ask(row("openai/gpt-4o-mini")), "openai-1:gpt-4o-mini")
      << "the row names its own";
  EXPECT_EQ(with("", "groq/llama").ask(row("")), "groq-1:llama");
  EXPECT_EQ(with("", "groq/llama").ask(row("", "openai")), "openai-1:gpt-4o-mini")
      << "-m is another provider's";
  EXPECT_EQ(with("", "gpt-4o").ask(row("", "openai")), "openai-1:gpt-4o openai-2:gpt-4o");
  EXPECT_EQ(with("groq", "openai/gpt-oss-20b").ask(row("")), "groq-1:openai/gpt-oss-20b")
      << "-p says whose model it is";
  EXPECT_EQ(with("", "llama").ask(row("gpt-4o")), "openai-1:gpt-4o openai-2:gpt-4o");
}

TEST(Routing, UsesAKeysFirstModelWhereItsProviderHasNoDefault) {
  Settings settings = pool();
  settings.providers[0].default_model.clear();
  settings.keys[2].models = {"llama", "qwen"};
  EXPECT_EQ(Caller(std::move(settings)).ask(row("")), "openai-2:gpt-4o groq-1:llama");
}

TEST(Routing, GivesRowsThatAskTheSameOneLaneAndCountsOnly) {
  Caller caller(pool());
  for (int i = 0; i < 3; ++i) {
    caller.ask(row("gpt-4o"));
    caller.ask(row("groq/llama"));
    caller.ask(row("gpt-4o", "", "", {"paid"}));
  }
  EXPECT_EQ(caller.lanes(), 3u);
  EXPECT_TRUE(caller.routing().take_new().empty());
  // Texts that would run together without their lengths.
  caller.ask(row("a", "groq", "", {"free", "b"}));
  caller.ask(row("a", "groq", "", {"freeb", "free"}));
  EXPECT_EQ(caller.lanes(), 5u);
}

TEST(Routing, BoundsTheLanesThatAnInputCanMake) {
  Caller caller(pool());
  for (std::size_t i = 0; i < Routing::max_lanes; ++i)
    EXPECT_NE(caller.ask(row("m" + std::to_string(i)))[0], '!');
  EXPECT_EQ(caller.ask(row("one-more"))[0], '!');
  EXPECT_NE(caller.ask(row("m7"))[0], '!') << "lanes that are there go on";
  EXPECT_EQ(caller.lanes(), Routing::max_lanes);
}

}  // namespace
}  // namespace batchrun

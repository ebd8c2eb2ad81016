#include "io/json_tokens.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <memory>
#include <new>

#include "tests/io/json_samples.h"

namespace {
bool memory_is_at_its_end = false;  // for simdjson, which asks in this way
}

void* operator new[](std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  try {
    return memory_is_at_its_end ? nullptr : ::operator new[](size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace batchrun {
namespace {

// Runs a test with each of simdjson's implementations this processor has; they find tokens in different ways.
class JsonTokensEverywhere : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    simdjson::get_active_implementation() = simdjson::get_available_implementations()[GetParam()];
  }
  void TearDown() override {
    simdjson::get_active_implementation() = simdjson::get_available_implementations().detect_best_supported();
  }
};

std::vector<std::string> implementations() {
  std::vector<std::string> names;
  for (const auto* implementation : simdjson::get_available_implementations()) {
    if (implementation->supported_by_runtime_system()) names.push_back(implementation->name());
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Implementations, JsonTokensEverywhere, ::testing::ValuesIn(implementations()));

// The text with its long numbers made short: the other parser refuses those that no machine type holds.
std::string with_short_numbers(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end == at) {
      out += text[at++];
      continue;
    }
    const std::size_t sign = out.find_last_not_of("+-");
    const bool exponent = sign != std::string::npos && (out[sign] == 'e' || out[sign] == 'E');
    const bool too_long = exponent ? end - at >= 3 : end - at >= 19 && text[at] != '0';
    out.append(text, at, too_long ? 1 : end - at);
    at = end;
  }
  return out;
}

bool another_parser_takes(const std::string& text) {
  simdjson::dom::parser parser;
  const auto error = parser.parse(simdjson::padded_string(text)).error();
  if (error != simdjson::NUMBER_ERROR) return error == simdjson::SUCCESS;
  return parser.parse(simdjson::padded_string(with_short_numbers(text))).error() == simdjson::SUCCESS;
}

// Text in memory of exactly its size, so that a sanitizer sees a read past its end.
bool scan_exactly(JsonTokens& tokens, const std::string& text, std::unique_ptr<char[]>& exact) {
  exact = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), exact.get());
  return tokens.scan({exact.get(), text.size()});
}

std::string rebuilt(const JsonTokens& tokens, JsonTokens::Value value) {
  std::string out;
  if (tokens.first(value) == '{') {
    for (ObjectWalk walk(tokens, value); walk.next();) {
      out += (out.empty() ? "{\"" : ",\"") + std::string(walk.name()) + "\":" + rebuilt(tokens, walk.value());
    }
    return out.empty() ? "{}" : out + "}";
  }
  if (tokens.first(value) == '[') {
    for (ArrayWalk walk(tokens, value); walk.next();)
      out += (out.empty() ? "[" : ",") + rebuilt(tokens, walk.value());
    return out.empty() ? "[]" : out + "]";
  }
  return std::string(tokens.raw(value));
}

std::string without_space(const std::string& json) {
  std::string out(json.size(), '\0');
  std::size_t size = 0;
  EXPECT_EQ(simdjson::minify(json.data(), json.size(), out.data(), size), simdjson::SUCCESS);
  out.resize(size);
  return out;
}

TEST_P(JsonTokensEverywhere, WalksEveryValueOfGoodText) {
  testing::JsonSamples samples(21);
  JsonTokens tokens;
  std::unique_ptr<char[]> exact;
  for (int round = 0; round < 3000; ++round) {
    const std::string object = samples.object();
    ASSERT_TRUE(scan_exactly(tokens, object, exact)) << object << ": " << tokens.fault().message;
    EXPECT_EQ(rebuilt(tokens, JsonTokens::root), without_space(object));
    EXPECT_EQ(tokens.has_escapes(), object.find('\\') != std::string::npos);
  }
}

TEST_P(JsonTokensEverywhere, TakesAndRefusesWhatAnotherParserDoes) {
  testing::JsonSamples samples(22);
  JsonTokens tokens;
  std::unique_ptr<char[]> exact;
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = samples.spoiled(samples.object());
    const bool taken = scan_exactly(tokens, text, exact);
    ASSERT_EQ(taken, another_parser_takes(text)) << "round " << round << ": " << text << "\n"
                                                 << tokens.fault().message;
    good += taken ? 1 : 0;
    if (!taken) {
      EXPECT_LE(tokens.fault().at, text.size());
      EXPECT_STRNE(tokens.fault().message, "");
    }
  }
  EXPECT_GT(good, 1000);
}

TEST_P(JsonTokensEverywhere, RefusesEveryPrefix) {
  testing::JsonSamples samples(23);
  JsonTokens tokens;
  std::unique_ptr<char[]> exact;
  for (int round = 0; round < 100; ++round) {
    const std::string object = samples.object();
    for (std::size_t size = 0; size < object.size(); ++size) {
      ASSERT_FALSE(scan_exactly(tokens, object.substr(0, size), exact)) << object.substr(0, size);
    }
  }
}

TEST_P(JsonTokensEverywhere, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string text;
    std::size_t at;
    std::string message;
  };
  const Case table[] = {
      {"", 0, "expected a value"},
      {"   ", 3, "expected a value"},
      {"{\"a\":1", 6, "expected ',' or '}'"},
      {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}'"},
      {"{\"a\":[1 2]}", 8, "expected ',' or ']'"},
      {"{\"a\" 1}", 5, "expected ':'"},
      {"{\"a\":}", 5, "expected a value"},
      {"{\"a\":1,}", 7, "expected a name in quotes"},
      {"{a:1}", 1, "expected a name in quotes or '}'"},
      {"{\"a\":\"hi}", 5, "string is not closed"},
      {"{\"a\":\"x\ty\"}", 7, "control character in a string"},
      {"{\"a\":\"\xFF\"}", 6, "not valid UTF-8"},
      {"{\"a\":\"\\x\"}", 6, "unknown escape in a string"},
      {"{\"a\":\"ab\\u12g4\"}", 8, "\\u needs four hexadecimal digits"},
      {"{\"a\":\"\\ud800\"}", 6, "lone surrogate in a string"},
      {"{\"a\":01}", 5, "bad number"},
      {"{\"a\":1.}", 5, "bad number"},
      {"{\"a\":NaN}", 5, "expected a value"},
      {"{\"a\":nul}", 5, "expected a value"},
      {"{} {}", 3, "text after the end of the value"},
      {"{}}", 2, "text after the end of the value"},
      {"[[1]", 4, "expected ',' or ']'"},
      {std::string("{\"a\":\0}", 7), 5, "expected a value"},
      {"{\"a\":1 \"b\xFF\":2}", 7, "expected ',' or '}'"},  // the first of two faults
      {"{'a':1}", 1, "expected a name in quotes or '}'"},
  };
  JsonTokens tokens;
  for (const Case& c : table) {
    EXPECT_FALSE(tokens.scan(c.text)) << c.text;
    EXPECT_EQ(tokens.fault().at, c.at) << c.text;
    EXPECT_EQ(tokens.fault().message, c.message) << c.text;
  }
}

TEST(JsonTokens, LeavesNumbersOfAnySizeAsTheyAre) {
  JsonTokens tokens;
  const std::string text = R"({"a":1e400,"b":123456789012345678901234567890,"c":-0.0})";
  ASSERT_TRUE(tokens.scan(text));
  EXPECT_EQ(rebuilt(tokens, JsonTokens::root), text);
}

TEST(JsonTokens, CountsDepthExactly) {
  for (const std::size_t depth : {1u, 2u, 128u}) {
    JsonTokens tokens(depth);
    EXPECT_TRUE(tokens.scan(std::string(depth, '[') + std::string(depth, ']')));
    EXPECT_FALSE(tokens.scan(std::string(depth + 1, '[') + std::string(depth + 1, ']')));
    EXPECT_EQ(tokens.fault().at, depth);
    EXPECT_STREQ(tokens.fault().message, "nested too deep");
  }
  JsonTokens tokens;
  EXPECT_FALSE(tokens.scan(std::string(3'000'000, '[')));
  EXPECT_EQ(tokens.fault().at, 128u);
  EXPECT_TRUE(tokens.scan("{}"));
}

// A row must not get its error line for it.
TEST(JsonTokens, MemoryAtItsEndIsNoFaultOfTheText) {
  const std::string text = '"' + std::string(100'000, 'x') + '"';
  JsonTokens fresh, used;
  ASSERT_TRUE(used.scan("{}"));
  memory_is_at_its_end = true;
  EXPECT_THROW(fresh.scan(text), std::bad_alloc);
  EXPECT_THROW(used.scan(text), std::bad_alloc);
  memory_is_at_its_end = false;
  EXPECT_TRUE(JsonTokens().scan(text));
}

TEST(FindMember, IsTheFirstOfThatNameInTheObjectItself) {
  JsonTokens tokens;
  ASSERT_TRUE(tokens.scan(R"({"a":{"b":1},"b":[2],"b":3})"));
  const auto found = find_member(tokens, JsonTokens::root, "b");
  ASSERT_TRUE(found);
  EXPECT_EQ(tokens.raw(*found), "[2]");
  EXPECT_FALSE(find_member(tokens, JsonTokens::root, "c"));
  EXPECT_FALSE(find_member(tokens, *found, "b")) << "no object";
}

}  // namespace
}  // namespace batchrun

#include "bench/mockprovider/call.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

Call prompt(std::initializer_list<std::pair<const char*, std::string>> messages) {
  Call call;
  PromptReader reader(call);
  for (const auto& [role, text] : messages) {
    reader.message(role);
    reader.text(text);
  }
  reader.done();
  return call;
}

TEST(Call, TokensAreAQuarterOfTheBytesAndThreeForEachMessage) {
  EXPECT_EQ(prompt({{"system", "1234"}, {"user", "567"}}).prompt_tokens, 2u + 6u);
  EXPECT_EQ(prompt({{"user", ""}}).prompt_tokens, 1u + 3u) << "an empty prompt still costs a token";
}

TEST(Call, MarkersAreFoundInTheLastUserMessage) {
  const Call given =
      prompt({{"user", "[[old]]"}, {"assistant", "[[no]]"}, {"user", "say [[row \xc3\xa9 7]] now"}});
  EXPECT_TRUE(given.marker_given);
  EXPECT_EQ(given.marker, "row \xc3\xa9 7");
  EXPECT_EQ(execution_id(given), execution_id_of_marker("row \xc3\xa9 7"));
  const Call none = prompt({{"user", std::string(63, 'a') + "\xc3\xa9"}});
  EXPECT_FALSE(none.marker_given);
  EXPECT_EQ(none.marker, std::string(63, 'a')) << "64 bytes, no half code point";
}

TEST(Call, DifferentPromptsAreDifferentExecutions) {
  EXPECT_NE(execution_id(prompt({{"user", "a"}})), execution_id(prompt({{"user", "b"}})));
  EXPECT_EQ(execution_id(prompt({{"user", "a"}})), execution_id(prompt({{"user", "a"}})));
  EXPECT_NE(execution_id(prompt({{"user", "a"}})), execution_id(prompt({{"system", "a"}})));
}

TEST(Call, ClearLeavesNothing) {
  Call call = prompt({{"user", "[[x]]"}});
  call.task = Task::search;
  call.stream = call.thinks = call.base64 = call.in_array = call.one_array = true;
  call.choices = 3;
  call.max_tokens = 5;
  call.tool_name = "f";
  call.inputs = {1};
  call.queries = {"q"};
  call.parameters = {{"a", "b"}};
  call.results = 1;
  call.clear();
  EXPECT_EQ(call.task, Task::chat);
  EXPECT_FALSE(call.stream || call.thinks || call.base64 || call.in_array || call.one_array ||
               call.marker_given);
  EXPECT_EQ(call.choices, 1u);
  EXPECT_FALSE(call.max_tokens);
  EXPECT_EQ(call.tool_name + call.marker + call.last_user_text, "");
  EXPECT_TRUE(call.inputs.empty() && call.queries.empty() && call.parameters.empty());
  EXPECT_EQ(call.prompt_tokens + call.content_hash, 0u);
  EXPECT_EQ(call.results, 10u);
}

}  // namespace
}  // namespace batchrun::mock

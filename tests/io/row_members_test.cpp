#include "io/row_members.h"

#include <gtest/gtest.h>

#include <bit>

namespace batchrun {
namespace {

constexpr auto row = BodyPlace::is_the_row;
constexpr auto inner = BodyPlace::in_batch_line;

struct Reading {
  explicit Reading(std::string object) : text(std::move(object)) {
    EXPECT_TRUE(tokens.scan(text)) << text;
    refusal = members.read(tokens, JsonTokens::root);
  }
  std::string text;
  JsonTokens tokens;
  RowMembers members;
  std::optional<RowRefusal> refusal;
};

TEST(RowMembers, AreFoundByName) {
  const Reading reading(R"({"seed":1,"model":"m","what":2,"m\u0065ssages":[]})");
  EXPECT_FALSE(reading.refusal);
  EXPECT_TRUE(reading.members.has(MemberName::seed));
  EXPECT_TRUE(reading.members.has(MemberName::model));
  EXPECT_TRUE(reading.members.has(MemberName::messages));
  EXPECT_FALSE(reading.members.has(MemberName::prompt));
  EXPECT_TRUE(reading.members.has_unknown(row));
  EXPECT_EQ(reading.tokens.raw(reading.members[MemberName::model]), "\"m\"");
  EXPECT_EQ(std::popcount(reading.members.given_parameters()), 1) << "only seed is a parameter";
}

// The perfect hash takes no name for another: near misses of a name are unknown.
TEST(RowMembers, NamesAreExact) {
  for (const std::string text : {"see", "seeds", "Seed", "tool", "toolz", "stream_option", "x", "", "metadat",
                                 "generationconfig", "max_token", "stops", "top_p ", "moodel"}) {
    const Reading reading("{\"" + text + "\":1}");
    EXPECT_TRUE(reading.members.has_unknown(row)) << text;
    EXPECT_EQ(reading.members.given_parameters(), 0u) << text;
  }
  for (const std::string text : {"audio", "prompt_cache_key", "metadata", "tags", "stream_options", "n"}) {
    EXPECT_FALSE(Reading("{\"" + text + "\":1}").members.has_unknown(row)) << text;
  }
}

TEST(RowMembers, RefuseWhatIsGivenTwiceAndDestinations) {
  const Reading twice(R"({"n":1,"\u006e":2})");
  ASSERT_TRUE(twice.refusal);
  EXPECT_EQ(twice.refusal->at, 7u);
  EXPECT_EQ(twice.refusal->message, "'n' is given twice");
  const Reading host(R"({"Base_URL":"x"})");
  ASSERT_TRUE(host.refusal);
  EXPECT_NE(host.refusal->message.find("may not choose a host"), std::string::npos);
}

TEST(RowMembers, AreAllReadWhateverIsRefused) {
  const Reading reading(R"({"host":"x","n":1,"n":2,"id":"a"})");
  ASSERT_TRUE(reading.refusal);
  EXPECT_EQ(reading.refusal->at, 1u) << "the first of them";
  EXPECT_TRUE(reading.members.has(MemberName::id));
}

TEST(RowMembers, ThatAreNullAreNotGivenButCannotBeGivenTwice) {
  const Reading reading(R"({"prompt":null,"seed":null,"options":null})");
  EXPECT_FALSE(reading.members.has(MemberName::prompt));
  EXPECT_EQ(reading.members.given_parameters(), 0u);
  EXPECT_FALSE(reading.members.has_unknown(row));
  EXPECT_TRUE(Reading(R"({"n":null,"n":1})").refusal);
}

TEST(RowMembers, KnowWhatIsReadInABodyOnly) {
  for (const std::string text :
       {"temperature", "max_tokens", "messages", "prompt", "system", "input", "options"}) {
    EXPECT_EQ(text_of(Reading("{\"" + text + "\":1}").members.outside_its_body()), text);
  }
  EXPECT_EQ(
      Reading(
          R"({"custom_id":"a","method":"POST","url":"/","body":{},"model":"m","provider":"p","route":"r",)"
          R"("tags":[],"priority":1,"metadata":{},"stream":true,"comment":1,"seed":null})")
          .members.outside_its_body(),
      MemberName::none);
}

TEST(UnknownMember, IsTheFirstThatMeansNothing) {
  EXPECT_EQ(unknown_member(R"({"prompt":"x","temprature":1,"other":2})", row), "temprature");
  EXPECT_EQ(unknown_member(R"({"prompt":"x","t\u0065mperature":1,"max_tokens":2})", row), "");
  EXPECT_EQ(unknown_member("{}", row), "");
  EXPECT_EQ(unknown_member(R"({"messages":[],"tags":[],"options":{}})", row), "options");
  EXPECT_EQ(unknown_member(R"({"messages":[],"tags":[],"options":{}})", inner), "tags");
}

}  // namespace
}  // namespace batchrun

#include "io/json_members.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <vector>

#include "tests/io/json_samples.h"

namespace batchrun {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(std::string_view object) {
  Members found;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) found.emplace_back(key, value);
  return found;
}

std::string minified(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const simdjson::padded_string padded(json);
  EXPECT_EQ(parser.parse(padded).get(element), simdjson::SUCCESS) << json;
  return simdjson::minify(element);
}

TEST(JsonMembers, GivesTextAsItIs) {
  const Members expected = {
      {"a", "1"},     {"b\\n", "\"x\\\"y\\\\\""}, {"", "{\"}\":[\"]\"]}"}, {"a", "[ ]"}, {"t", "true"},
      {"n", "-1.5e3"}};
  EXPECT_EQ(members_of(R"( { "a" : 1 ,"b\n":"x\"y\\" , "": {"}":["]"]}, "a":[ ], "t":true,"n":-1.5e3} )"),
            expected);
  EXPECT_EQ(members_of("{}"), Members{});
  EXPECT_EQ(members_of("  {  }  "), Members{});
}

TEST(JsonMembers, AgreesWithAnotherParser) {
  testing::JsonSamples samples(5);
  for (int round = 0; round < 3000; ++round) {
    const std::string object = samples.object();
    simdjson::dom::parser parser;
    simdjson::dom::object parsed;
    const simdjson::padded_string padded(object);
    ASSERT_EQ(parser.parse(padded).get(parsed), simdjson::SUCCESS) << object;
    const Members found = members_of(object);
    ASSERT_EQ(found.size(), parsed.size()) << object;
    std::size_t at = 0;
    for (const auto field : parsed) {
      const std::string value(simdjson::minify(field.value));
      const simdjson::padded_string name("[\"" + found[at].first + "\"]");
      simdjson::dom::parser names;
      std::string_view decoded;
      ASSERT_EQ(names.parse(name).at(0).get(decoded), simdjson::SUCCESS);
      EXPECT_EQ(decoded, field.key);
      EXPECT_EQ(minified(found[at].second), value);
      EXPECT_FALSE(found[at].second.starts_with(' ') || found[at].second.ends_with(' '));
      ++at;
    }
  }
}

TEST(JsonMembers, NeverReadsOutsideOfTextThatIsNoObject) {
  testing::JsonSamples samples(6);
  for (int round = 0; round < 5000; ++round) {
    const std::string text = samples.spoiled(samples.object());
    const auto size = samples.pick(static_cast<std::uint32_t>(text.size()) + 1);
    const std::vector<char> exact(text.begin(), text.begin() + size);  // a sanitizer sees a read past its end
    JsonMembers members({exact.data(), exact.size()});
    std::size_t count = 0;
    for (std::string_view key, value; members.next(key, value) && count <= text.size();) ++count;
    EXPECT_LE(count, text.size());
  }
}

TEST(FindName, FindsTheFirstThatIsWantedHoweverItIsSpelled) {
  const auto wanted = [](std::string_view name) { return name == "b" || name == "c"; };
  EXPECT_EQ(find_name(R"({"a":{"b":1},"\u0063":2,"b":3})", wanted), "c");
  EXPECT_EQ(find_name(R"({"a":"b"})", wanted), "");
  EXPECT_EQ(find_name("{}", wanted), "");
}

}  // namespace
}  // namespace batchrun

#include "runner/json_node.h"

#include <gtest/gtest.h>

#include "runner/settings.h"

namespace batchrun {
namespace {

// "place: message" of what goes wrong, or "".
template <class Do>
std::string complaint(Do what) {
  try {
    what();
    return "";
  } catch (const UsageError& error) {
    return error.place + ": " + error.what();
  }
}

TEST(JsonNode, ReadsValuesAndKnowsTheirPlaces) {
  const JsonDocument document("// a comment\n{\"a\": {\"b\": [1, \"two\",]}}", "f.json");
  const JsonNode a = document.root()["a"];
  EXPECT_EQ(a["b"].elements().at(1).text(), "two");
  EXPECT_EQ(a["b"].elements().at(1).place(), "f.json:2:17");
  EXPECT_EQ(a.name_place(), "f.json:2:2");
  EXPECT_TRUE(a.has("b"));
  EXPECT_FALSE(a.has("c"));
}

TEST(JsonNode, SaysWhatItWantedAndWhere) {
  const JsonDocument document(R"({"n": 1.5, "s": "", "x": {"typo": 1}})", "f.json");
  const JsonNode root = document.root();
  EXPECT_EQ(complaint([&] { root["n"].text(); }), "f.json:1:7: expected a string, found a number");
  EXPECT_EQ(complaint([&] { root["n"].whole(0, 9); }), "f.json:1:7: expected a whole number from 0 to 9");
  EXPECT_EQ(complaint([&] { root["s"].name(); }), "f.json:1:17: a name cannot be empty");
  EXPECT_EQ(complaint([&] { root["x"].only({"type"}); }), "f.json:1:27: unknown field \"typo\"");
  EXPECT_EQ(complaint([&] { root["s"].elements(); }), "f.json:1:17: expected an array, found a string");
}

TEST(JsonNode, RefusesWhatIsNoJsonOrSaysAThingTwice) {
  EXPECT_EQ(complaint([] { JsonDocument("{\"a\":1,\n \"a\":2}", "f.json"); }),
            "f.json:2:2: \"a\" is there twice");
  EXPECT_EQ(complaint([] { JsonDocument("{} {}", "f.json"); }).substr(0, 11), "f.json:1:4:");
  EXPECT_EQ(complaint([] { JsonDocument("{", "f.json"); }), "f.json:1:2: the config ends in the middle");
}

}  // namespace
}  // namespace batchrun

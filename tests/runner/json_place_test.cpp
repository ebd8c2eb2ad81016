#include "runner/json_place.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(PlaceAt, CountsLinesAndColumnsFromOne) {
  const std::string text = "ab\ncd\n";
  EXPECT_EQ(place_at(text, 0), (TextPlace{1, 1}));
  EXPECT_EQ(place_at(text, 2), (TextPlace{1, 3}));
  EXPECT_EQ(place_at(text, 3), (TextPlace{2, 1}));
  EXPECT_EQ(place_at(text, 4), (TextPlace{2, 2}));
  EXPECT_EQ(place_at(text, 99), (TextPlace{3, 1}));
  EXPECT_EQ(place_at("", 0), (TextPlace{1, 1}));
}

TEST(JsonPlaces, FindsMembersAndElementsAmongComments) {
  const JsonPlaces places(
      "{ // \"a\": 0\n"
      "  \"a\": [1, /* , ] */ {\"b}\\\"\": 2},],\n"
      "  \"c/d~e\" : { \"f\": \"x//y\", },\n"
      "  \"g\": true\n"
      "}");
  EXPECT_EQ(places.name("/a"), (TextPlace{2, 3}));
  EXPECT_EQ(places.value("/a"), (TextPlace{2, 8}));
  EXPECT_EQ(places.value("/a/0"), (TextPlace{2, 9}));
  EXPECT_EQ(places.value("/a/1"), (TextPlace{2, 22}));
  EXPECT_EQ(places.value("/c~1d~0e/f"), (TextPlace{3, 20}));
  EXPECT_EQ(places.name("/g"), (TextPlace{4, 3}));
  EXPECT_EQ(places.value(""), (TextPlace{1, 1}));
  EXPECT_EQ(places.value("/g/not/there"), (TextPlace{4, 8})) << "the nearest parent";
  EXPECT_EQ(places.duplicate(), "");
}

TEST(JsonPlaces, FindsTheSecondOfTwoMembersOfOneName) {
  const JsonPlaces places("{\"a\": {\"x\": 1},\n \"b\": {\"x\": 1, \"x\": 2}}");
  EXPECT_EQ(places.duplicate(), "/b/x");
  EXPECT_EQ(places.duplicate_place(), (TextPlace{2, 16}));
}

TEST(JsonPlaces, EndsOnEveryCutText) {
  const std::string text = "{\"a\": [1, {\"b\": \"c\\\"d\"}], /* x */ \"e\": null, // y\n}";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) JsonPlaces(text.substr(0, cut)).value("/a/1/b");
}

}  // namespace
}  // namespace batchrun

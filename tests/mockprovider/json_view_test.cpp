#include "bench/mockprovider/json_view.h"

#include <gtest/gtest.h>

namespace batchrun::mock {
namespace {

TEST(JsonView, AnswersWhatAValueIsAndNothingElse) {
  const bool read = with_json(
      R"({"t":"x","n":7,"neg":-1,"f":1.5,"yes":true,"no":false,"nil":null,"a":[1,"b"],"o":{"k":"v"}})",
      [](JsonView v) {
        EXPECT_TRUE(v.is_object());
        EXPECT_EQ(v["t"].text(), "x");
        EXPECT_EQ(v["n"].text(), "");
        EXPECT_EQ(v["n"].whole(), 7u);
        EXPECT_FALSE(v["neg"].whole());
        EXPECT_FALSE(v["f"].whole());
        EXPECT_FALSE(v["t"].whole());
        EXPECT_TRUE(v["yes"].is_true());
        EXPECT_FALSE(v["no"].is_true());
        EXPECT_TRUE(v["no"].is_bool());
        EXPECT_FALSE(v["nil"].exists());
        EXPECT_FALSE(v["none"].exists());
        EXPECT_EQ(v["a"].size(), 2u);
        EXPECT_EQ(v["a"][1].text(), "b");
        EXPECT_FALSE(v["a"][2].exists());
        EXPECT_EQ(v["o"]["k"].text(), "v");
        EXPECT_FALSE(v["t"]["k"]["deep"].exists());
        EXPECT_EQ(v["a"].serialized(), R"([1,"b"])");
      });
  EXPECT_TRUE(read);
}

TEST(JsonView, WhatIsNoJsonIsNotRead) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("{\"a\":\"\xff\"}"),
                                  std::string(200, '[') + std::string(200, ']')}) {
    EXPECT_FALSE(with_json(text, [](JsonView) { ADD_FAILURE(); })) << text;
  }
}

TEST(JsonView, SchemasGiveSamples) {
  const struct {
    const char* schema;
    const char* sample;
  } cases[] = {
      {R"({"type":"object","properties":{"city":{"type":"string"},"unit":{"enum":["c","f"]},"days":{"type":"integer"}}})",
       R"({"city":"sample","unit":"c","days":1})"},
      {R"({"type":"OBJECT","properties":{"ok":{"type":"BOOLEAN"},"all":{"type":"ARRAY"}}})",
       R"({"ok":true,"all":[]})"},
      {R"({})", "{}"},
      {R"([])", "{}"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(with_json(c.schema, [&](JsonView v) { EXPECT_EQ(v.sample(), c.sample); }));
  }
}

}  // namespace
}  // namespace batchrun::mock

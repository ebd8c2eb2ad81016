#include "io/dialects/native_row.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(NativeRow, KeepsEveryOtherMemberAsItCame) {
  std::string out = "{\"model\":\"m\"";
  append_members_without(
      out,
      R"( { "model" : "x", "input": ["a\u00e9", 1.50], "m\u006fdel":"y","\u0073tream":true, "a\u0062":{}} )",
      {"model", "stream"});
  EXPECT_EQ(out + "}", R"({"model":"m","input":["a\u00e9", 1.50],"a\u0062":{}})");
  out.clear();
  append_members_without(out, "{}", {"model"});
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace batchrun

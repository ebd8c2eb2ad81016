#include "io/dialects/error_body.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(ErrorBody, ReadsEveryForm) {
  struct Case {
    std::string_view body, message, type, code;
    int status;
  };
  for (const Case& one : {
           Case{R"({"error":{"message":"m","type":"t","code":"c"}})", "m", "t", "c", 0},
           Case{R"({"error":{"message":"m","code":429}})", "m", "", "", 429},
           Case{R"({"error":{"message":"m","code":"429"}})", "m", "", "429", 429},
           Case{R"({"error":{"message":"m","code":200}})", "m", "", "", 0},
           Case{R"({"error":{"message":"m"},"status_code":503})", "m", "", "", 503},
           Case{R"({"message":"m","type":"t","code":"c"})", "m", "t", "c", 0},
           Case{R"({"error":"m"})", "m", "", "", 0},
           Case{R"({"error":null,"message":"m"})", "m", "", "", 0},
           Case{R"([{"error":{"message":"m"}}])", "m", "", "", 0},
           Case{R"({"x_groq":{"error":"m"}})", "m", "", "", 0},
           Case{R"({"detail":"m"})", "m", "", "", 0},
           Case{R"({"detail":[{"msg":"x"}]})", R"([{"msg":"x"}])", "", "", 0},
           Case{R"({"error":{"message":"m","metadata":{"raw":"r"}}})", "m: r", "", "", 0},
           Case{R"("m")", "m", "", "", 0},
           Case{"3", "", "", "", 0},
       }) {
    const ErrorBody error = read_error_body(one.body);
    EXPECT_TRUE(error.json) << one.body;
    EXPECT_EQ(error.message, one.message) << one.body;
    EXPECT_EQ(error.type, one.type) << one.body;
    EXPECT_EQ(error.code, one.code) << one.body;
    EXPECT_EQ(error.status, one.status) << one.body;
    EXPECT_FALSE(error.moderated) << one.body;
  }
}

TEST(ErrorBody, WhatIsNoJsonSaysNothing) {
  for (const std::string_view body : {"", "<html>", R"({"error":{"mess)", "{\"error\":\"\xFF\"}"}) {
    const ErrorBody error = read_error_body(body);
    EXPECT_FALSE(error.json) << body;
    EXPECT_EQ(error.message, "") << body;
  }
}

TEST(ErrorBody, SaysItsNamesWhereverTheyAre) {
  const ErrorBody error = read_error_body(
      R"({"error":{"message":"m","type":"t","code":"c","innererror":{"code":"inner"},"metadata":{"reasons":[]}}})");
  EXPECT_TRUE(error.says({"t"}));
  EXPECT_TRUE(error.says({"x", "c"}));
  EXPECT_TRUE(error.says({"inner"}));
  EXPECT_FALSE(error.says({"m", "x", ""}));
  EXPECT_TRUE(error.moderated);
}

TEST(ErrorBody, FindsTheTitleOfAPage) {
  EXPECT_EQ(html_title("<html><head><TITLE>502 Bad Gateway</TITLE></head>"), "502 Bad Gateway");
  EXPECT_EQ(html_title("<title>cut sho"), "cut sho");
  EXPECT_EQ(html_title("<html>"), "");
}

}  // namespace
}  // namespace batchrun

#include "runner/env.h"

#include <gtest/gtest.h>

#include "runner/settings.h"

namespace batchrun {
namespace {

std::string place_of_error(std::string_view text) {
  try {
    parse_env_file(text, ".env");
  } catch (const UsageError& error) {
    return error.place;
  }
  return "no error";
}

TEST(EnvFile, ReadsTheUsualForms) {
  const Environment expected{
      {"A", "1"},           {"B", "two words"}, {"C", "x # y"},      {"D", "a\nb"},           {"E", ""},
      {"F", "$A ${B} \\n"}, {"G", "q\"q"},      {"H", "no#comment"}, {"I", "line 1\nline 2"}, {"J", "last"}};
  EXPECT_EQ(parse_env_file("\xef\xbb\xbf"
                           "# comment\n\n"
                           "A=1\r\n"
                           "export B=two words   # trailing\n"
                           "C=\"x # y\" # after\n"
                           "D=\"a\\nb\"\n"
                           "E=\n"
                           "F='$A ${B} \\n'\n"
                           "  G = \"q\\\"q\"\n"
                           "H=no#comment\n"
                           "I='line 1\nline 2'\n"
                           "J=first\nJ=last",
                           ".env"),
            expected);
}

TEST(EnvFile, SaysWhereAMistakeIs) {
  EXPECT_EQ(place_of_error("A=1\n=2\n"), ".env:2:1");
  EXPECT_EQ(place_of_error("A=1\n\nnonsense\n"), ".env:3:9");
  EXPECT_EQ(place_of_error("A=\"open\nB=2\n"), ".env:1:3");
  EXPECT_EQ(place_of_error("A='x' y\n"), ".env:1:7");
  EXPECT_EQ(place_of_error("1A=x"), ".env:1:1");
  EXPECT_EQ(place_of_error("export export A=1"), ".env:1:15");
}

TEST(EnvFile, NeverQuotesAValueInAMessage) {
  try {
    parse_env_file("KEY='sk-canary-1234' sk-canary-5678\n", ".env");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ((std::string(error.what()) + error.hint).find("canary"), std::string::npos);
  }
}

TEST(EnvFile, SurvivesEveryCutOfAFile) {
  const std::string text = "# c\nexport A=\"x\\\"y\" # z\nB='1\n2'\nC=plain # d\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    try {
      EXPECT_LE(parse_env_file(text.substr(0, cut), ".env").size(), 3u);
    } catch (const UsageError& error) {
      EXPECT_EQ(error.place.rfind(".env:", 0), 0u);
    }
  }
}

TEST(Environment, ReadsTheProcessAndAnswersEmptyForWhatIsNotThere) {
  ::setenv("BATCHRUN_TEST_VARIABLE", "a=b", 1);
  const Environment environment = process_environment();
  ::unsetenv("BATCHRUN_TEST_VARIABLE");
  EXPECT_EQ(env_value(environment, "BATCHRUN_TEST_VARIABLE"), "a=b");
  EXPECT_EQ(env_value(environment, "BATCHRUN_NOT_SET"), "");
}

}  // namespace
}  // namespace batchrun

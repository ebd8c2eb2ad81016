// Exit codes and streams; what the network does to `keys check` is tests/e2e/keys_test.py.
#include "runner/keys.h"

#include <gtest/gtest.h>

#include "runner/assemble_pool.h"
#include "runner/config.h"

namespace batchrun {
namespace {

struct Printed {
  int code;
  std::string out, err;
};

Printed print(std::string_view config, bool quiet = false) {
  Settings settings;
  settings.verb = Verb::keys;
  settings.quiet = quiet;
  assemble_pool(parse_config(config, "c.json", {}), settings);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = print_keys(settings);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(KeysVerb, EndsWith0WhenAKeyIsInUse) {
  const Printed printed = print(R"({"providers": {"openai": {"keys": ["canary"]}, "groq": {"keys": []}}})");
  EXPECT_EQ(printed.code, 0);
  EXPECT_NE(printed.out.find("openai-1"), std::string::npos);
  EXPECT_NE(printed.err.find("note: groq has no keys"), std::string::npos);
  EXPECT_EQ((printed.out + printed.err).find("canary"), std::string::npos);
  EXPECT_EQ(print(R"({"providers": {"openai": {"keys": ["canary"]}, "groq": {"keys": []}}})", true).err, "");
}

TEST(KeysVerb, EndsWith4WhenNoneCanBeUsed) {
  const Printed none = print("{}");
  EXPECT_EQ(none.code, 4);
  EXPECT_EQ(none.out, "");
  EXPECT_NE(none.err.find("OPENAI_API_KEY"), std::string::npos);
  const Printed listed =
      print(R"({"providers": {"openai": {"keys": [{"key": "canary", "enabled": false}]}}})");
  EXPECT_EQ(listed.code, 4);
  EXPECT_NE(listed.out.find("openai-1"), std::string::npos);
  EXPECT_NE(listed.err.find("error: no key can be used"), std::string::npos);
}

}  // namespace
}  // namespace batchrun

#include "runner/diagnostics.h"

#include <gtest/gtest.h>

namespace batchrun {
namespace {

TEST(Diagnostics, PrintsMessagePlaceAndHint) {
  EXPECT_EQ(render_error(UsageError("no such field", "did you mean \"keys\"?", "batchrun.json:3:7"), false),
            "error: no such field\n --> batchrun.json:3:7\n  hint: did you mean \"keys\"?\n");
  EXPECT_EQ(render_error("it broke", "", "", false), "error: it broke\n");
  EXPECT_EQ(render_error("x", "", "one\ntwo", false), "error: x\n  hint: one\n        two\n");
  EXPECT_EQ(render_note("hello", false), "note: hello\n");
}

TEST(Diagnostics, LetsNothingThroughThatATerminalObeys) {
  const std::string out = render_error("a\x1b]0;x\x07\nerror: fake", "p\x1b[2J", "h\x1b[1A", false);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find("\nerror: fake"), std::string::npos);
}

TEST(Diagnostics, ColoursOnlyWhereItIsWanted) {
  EXPECT_TRUE(use_color(ColorMode::automatic, {{"TERM", "xterm"}}, true));
  EXPECT_FALSE(use_color(ColorMode::automatic, {{"TERM", "xterm"}}, false));
  EXPECT_FALSE(use_color(ColorMode::automatic, {{"TERM", "dumb"}}, true));
  EXPECT_FALSE(use_color(ColorMode::automatic, {{"NO_COLOR", "1"}}, true));
  EXPECT_TRUE(use_color(ColorMode::automatic, {{"NO_COLOR", ""}}, true));
  EXPECT_TRUE(use_color(ColorMode::automatic, {{"FORCE_COLOR", "1"}}, false));
  EXPECT_FALSE(use_color(ColorMode::automatic, {{"NO_COLOR", "1"}, {"FORCE_COLOR", "1"}}, true));
  EXPECT_TRUE(use_color(ColorMode::on, {{"NO_COLOR", "1"}}, false));
  EXPECT_FALSE(use_color(ColorMode::off, {{"FORCE_COLOR", "1"}}, true));
  EXPECT_NE(render_error("x", "", "", true).find("\x1b["), std::string::npos);
}

}  // namespace
}  // namespace batchrun

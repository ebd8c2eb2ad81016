#include "runner/known_provider.h"

#include <gtest/gtest.h>

#include <set>

#include "runner/base_url.h"

namespace batchrun {
namespace {

TEST(KnownProvider, HasEachNameOnceAndAnAddressThatHolds) {
  std::set<std::string_view> names, prefixes;
  for (const KnownProvider& provider : known_providers()) {
    EXPECT_TRUE(names.insert(provider.name).second) << provider.name;
    EXPECT_TRUE(prefixes.insert(provider.env_prefix).second) << provider.env_prefix;
    const auto parsed = parse_base_url(provider.base_url);
    ASSERT_TRUE(std::holds_alternative<Endpoint>(parsed)) << provider.name;
    EXPECT_FALSE(sends_in_clear(std::get<Endpoint>(parsed).origin)) << provider.name;
    EXPECT_EQ(find_known_provider(provider.name), &provider);
    EXPECT_TRUE(provider.spoken()) << provider.name;
  }
  EXPECT_EQ(find_known_provider("OpenAI"), nullptr);
}

}  // namespace
}  // namespace batchrun

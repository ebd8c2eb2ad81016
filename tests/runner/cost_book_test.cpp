#include "runner/cost_book.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

// Two providers: a costs $1 a million tokens in and out, b $2; models m of both, free of neither.
Settings pool() {
  Settings settings;
  for (const char* name : {"a", "b"}) {
    Provider& provider = settings.providers.emplace_back();
    provider.name = provider.price_name = name;
    Key& key = settings.keys.emplace_back();
    key.provider = settings.providers.size() - 1;
    key.alias = provider.name + "-1";
  }
  settings.prices.emplace(
      R"({"models":[{"provider":"a","id":"m","input":1,"output":1},{"provider":"b","id":"m","input":2,"output":2}]})",
      "p.json", "2026-11-22");
  settings.spend.run = 1'000'000'000'000;
  return settings;
}

RowPtr row(const std::string& line) {
  auto parsed = parse_row(line, 1);
  return std::move(std::get<RowPtr>(parsed));
}

Usage used(std::uint64_t input, std::uint64_t output) {
  Usage usage;
  usage.input_tokens = input;
  usage.output_tokens = output;
  return usage;
}

TEST(CostBook, TheMostIsTheDearestCandidates) {
  const Settings settings = pool();
  CostBook book(settings);
  book.add_model("m");
  book.add_model("unpriced");
  book.add_lane({"both", {{KeyId{0}, 0}, {KeyId{1}, 0}}});
  book.add_lane({"cheap", {{KeyId{0}, 0}}});
  book.add_lane({"unknown", {{KeyId{0}, 0}, {KeyId{0}, 1}}});
  const RowPtr short_row = row(R"({"prompt":"12345678","max_tokens":10})");
  EXPECT_EQ(book.most(LaneId{0}, *short_row), (8 + 32 + 10) * Picodollars{2'000'000});
  EXPECT_EQ(book.most(LaneId{1}, *short_row), (8 + 32 + 10) * 1'000'000);
  EXPECT_EQ(book.most(LaneId{2}, *short_row), std::nullopt);
  EXPECT_EQ(book.most(LaneId{1}, *row(R"({"prompt":"12345678"})")),
            (8 + 32 + 16'384) * Picodollars{1'000'000});
  EXPECT_EQ(book.most(LaneId{1}, *row(R"({"prompt":"12345678","max_tokens":10,"n":3})")),
            (8 + 32 + 30) * 1'000'000);
}

TEST(CostBook, SumsByModelKeyAndUser) {
  const Settings settings = pool();
  CostBook book(settings);
  book.add_model("m");
  book.add_model("unpriced");
  EXPECT_EQ(book.pay(KeyId{0}, 0, Stake{"ann", 0, {}}, used(1, 2)), 3'000'000);
  EXPECT_EQ(book.pay(KeyId{1}, 0, Stake{"ann", 0, {}}, used(1, 0)), 2'000'000);
  EXPECT_EQ(book.pay(KeyId{1}, 0, Stake{"", 0, {}}, used(1, 0)), 2'000'000);
  EXPECT_EQ(book.pay(KeyId{1}, 1, Stake{"bob", 0, {}}, used(1, 0)), std::nullopt);
  const CostFigures& sums = book.figures();
  EXPECT_EQ(sums.total, 7'000'000);
  EXPECT_EQ(sums.unpriced_rows, 1u);
  EXPECT_EQ(sums.by_model.at("a/m"), 3'000'000);
  EXPECT_EQ(sums.by_model.at("b/m"), 4'000'000);
  EXPECT_EQ(sums.by_key.at("b-1"), 4'000'000);
  EXPECT_EQ(sums.by_user.at("ann"), 5'000'000);
  EXPECT_EQ(sums.by_user.count(""), 0u);
  EXPECT_EQ(book.spend().spent(), 7'000'000);
}

TEST(CostBook, ARequestThatFailedCountsWithTheMostItCanHaveCost) {
  const Settings settings = pool();
  CostBook book(settings);
  book.add_model("m");
  book.add_model("unpriced");
  const RowPtr asked = row(R"({"prompt":"12345678","max_tokens":10,"n":3})");
  book.pay_perhaps(KeyId{1}, 0, Stake{"ann", 0, {}}, *asked);
  book.pay_perhaps(KeyId{1}, 1, Stake{"ann", 0, {}}, *asked);
  constexpr Picodollars most = (8 + 32 + 30) * Picodollars{2'000'000};
  EXPECT_EQ(book.figures().perhaps, most);
  EXPECT_EQ(book.figures().perhaps_billed, 2u) << "one of them by nobody knows how much";
  EXPECT_EQ(book.figures().total, 0) << "what is known is known";
  EXPECT_TRUE(book.figures().by_user.empty());
  EXPECT_EQ(book.spend().spent(), most);
}

TEST(CostBook, UsersAreBounded) {
  const Settings settings = pool();
  CostBook book(settings);
  book.add_model("m");
  for (std::size_t i = 0; i < CostBook::most_users + 5; ++i)
    book.pay(KeyId{0}, 0, Stake{"user-" + std::to_string(i), 0, {}}, used(1, 0));
  EXPECT_EQ(book.figures().by_user.size(), CostBook::most_users + 1);
  EXPECT_EQ(book.figures().by_user.at(std::string(CostBook::others_name)), 5'000'000);
}

TEST(CostBook, KnowsWhoseARowIs) {
  EXPECT_EQ(CostBook::user_of(*row(R"({"prompt":"x","metadata":{"a":1,"user_id":"an\u006e"}})")), "ann");
  EXPECT_EQ(CostBook::user_of(*row(R"({"prompt":"x","metadata":{"user_id":7}})")), "");
  EXPECT_EQ(CostBook::user_of(*row(R"({"prompt":"x"})")), "");
}

}  // namespace
}  // namespace batchrun

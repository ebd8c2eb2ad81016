#include "io/done_rows.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace batchrun {
namespace {

TEST(DoneRows, TellsChangedFromUnknown) {
  DoneRows done;
  const RowIdentity rows[] = {{5, 1}, {5, 3}, {7, 2}, {0xFFFFFFFF00000000u, 9}, {0x00000000FFFFFFFFu, 9}};
  for (const auto& row : rows) done.add(row);
  done.add(rows[0]);
  done.add(rows[0]);
  const std::vector<RowIdentity> twice = done.seal();
  EXPECT_EQ(twice, std::vector<RowIdentity>{rows[0]});
  EXPECT_EQ(done.size(), 5u);
  for (const auto& row : rows) EXPECT_EQ(done.find(row), DoneRows::Match::done);
  for (const std::uint32_t content : {0u, 2u, 4u})
    EXPECT_EQ(done.find({5, content}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({7, 9}), DoneRows::Match::changed);
  EXPECT_EQ(done.find({6, 1}), DoneRows::Match::unknown);
  EXPECT_EQ(done.find({0xFFFFFFFFFFFFFFFFu, 9}), DoneRows::Match::unknown);
}

TEST(DoneRows, FindAsASetWouldWhateverTheHashes) {
  std::mt19937_64 random(20);
  for (const std::size_t count : {0u, 1u, 7u, 100u, 5000u}) {
    for (const std::uint64_t spread : {~std::uint64_t{0}, std::uint64_t{0xFF}}) {
      DoneRows done;
      std::set<std::pair<std::uint64_t, std::uint32_t>> model;
      const auto any = [&] {
        return RowIdentity{random() & spread, static_cast<std::uint32_t>(random() % 3)};
      };
      for (std::size_t i = 0; i < count; ++i) {
        const RowIdentity row = any();
        done.add(row);
        model.insert({row.id_hash, row.content_hash});
      }
      done.seal();
      ASSERT_EQ(done.size(), model.size());
      std::vector<RowIdentity> asked;
      for (const auto& [id, content] : model) asked.push_back({id, content});
      for (int i = 0; i < 500; ++i) asked.push_back(any());
      for (const RowIdentity& row : asked) {
        const auto same_id = model.lower_bound({row.id_hash, 0});
        const bool known_id = same_id != model.end() && same_id->first == row.id_hash;
        const auto expected = model.contains({row.id_hash, row.content_hash}) ? DoneRows::Match::done
                              : known_id                                      ? DoneRows::Match::changed
                                                                              : DoneRows::Match::unknown;
        ASSERT_EQ(done.find(row), expected);
      }
    }
  }
}

}  // namespace
}  // namespace batchrun

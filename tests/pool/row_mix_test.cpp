#include "pool/row_mix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace batchrun {
namespace {

Job job(double input, double output) {
  Job made;
  made.input_tokens = input;
  made.max_output_tokens = output;
  return made;
}

TEST(RowMix, PutsRowsOfAnOctaveAndAnOutputShareTogether) {
  EXPECT_EQ(RowMix::bucket_of(job(1000, 0)), RowMix::bucket_of(job(600, 0)));
  EXPECT_NE(RowMix::bucket_of(job(1000, 0)), RowMix::bucket_of(job(1024, 0)));
  EXPECT_EQ(RowMix::bucket_of(job(500, 500)), RowMix::bucket_of(job(300, 310)));
  EXPECT_NE(RowMix::bucket_of(job(500, 500)), RowMix::bucket_of(job(1000, 0)));
}

TEST(RowMix, HasABucketForEveryRow) {
  for (const double tokens : {0.0, 0.5, 1.0, 31.0, 5e5, 1e9, 1e18}) {
    EXPECT_LT(RowMix::bucket_of(job(tokens, 0)), RowMix::buckets) << tokens;
    EXPECT_LT(RowMix::bucket_of(job(0, tokens)), RowMix::buckets) << tokens;
  }
  EXPECT_EQ(RowMix::bucket_of(job(0, 1e18)), RowMix::buckets - 1);
}

// And comes near it: rows of a bucket have less than twice its tokens.
TEST(RowMix, NoRowHasLessThanTheLeastOfItsBucket) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> exponent(0, 14), share(0, 1);
  for (int i = 0; i < 20'000; ++i) {
    const double tokens = std::exp(exponent(random)), output = tokens * share(random);
    const Job row = i % 2 == 0 ? job(tokens - output, output) : job(std::round(tokens), std::round(output));
    const RowMix::Least least = RowMix::least(RowMix::bucket_of(row));
    ASSERT_GE(row.input_tokens, least.input_tokens);
    ASSERT_GE(row.max_output_tokens, least.max_output_tokens);
    if (tokens < 64 || tokens > 500'000) continue;
    const double eighth = (row.input_tokens + row.max_output_tokens) / RowMix::shares;
    ASSERT_GT(least.input_tokens + least.max_output_tokens, (RowMix::shares - 1) * eighth / 2 - 1);
  }
}

TEST(RowMix, CountsWhatIsAddedAndRemoved) {
  RowMix mix;
  const Job small = job(100.3, 20.1), large = job(9000, 0);
  for (int i = 0; i < 3; ++i) mix.add(small);
  mix.add(large);
  mix.remove(small);
  const RowMix::Bucket& bucket = mix[RowMix::bucket_of(small)];
  EXPECT_EQ(bucket.rows, 2);
  EXPECT_NEAR(bucket.input_tokens, 200.6, 1e-9);
  EXPECT_NEAR(bucket.max_output_tokens, 40.2, 1e-9);
  RowMix other;
  other.add(small);
  mix.add(other);
  EXPECT_EQ(mix[RowMix::bucket_of(small)].rows, 3);
  EXPECT_EQ(mix.rows(), 4);
  for (int i = 0; i < 3; ++i) mix.remove(small);
  EXPECT_EQ(mix[RowMix::bucket_of(small)].input_tokens, 0);
}

}  // namespace
}  // namespace batchrun

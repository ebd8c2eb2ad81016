#include "pool/row_mix.h"

#include <gtest/gtest.h>

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

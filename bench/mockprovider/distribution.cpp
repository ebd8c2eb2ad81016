#include "bench/mockprovider/distribution.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace batchrun::mock {

namespace {

// Box and Muller's transform; 1 - unit() keeps the logarithm's argument above zero.
double standard_normal(Random& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.unit()));
  return radius * std::cos(2.0 * std::numbers::pi * random.unit());
}

}  // namespace

Moment Distribution::draw(Random& random) const {
  switch (kind) {
    case Kind::fixed:
      return from_seconds(a_ms / 1e3);
    case Kind::uniform:
      return from_seconds((a_ms + (b - a_ms) * random.unit()) / 1e3);
    case Kind::lognormal:
      return from_seconds(std::min(a_ms * std::exp(b * standard_normal(random)), max_ms) / 1e3);
  }
  return Moment::zero();
}

}  // namespace batchrun::mock

// A distribution of waiting times: of the first chunk, and between chunks.
#pragma once

#include "bench/mockprovider/moment.h"
#include "bench/mockprovider/random.h"

namespace batchrun::mock {

struct Distribution {
  enum class Kind { fixed, uniform, lognormal };
  Kind kind = Kind::fixed;
  double a_ms = 0;       // fixed: the value; uniform: the least; lognormal: the median
  double b = 0;          // uniform: the greatest, in ms; lognormal: sigma of the logarithm
  double max_ms = 60e3;  // lognormal only: longer draws are cut to this

  // No draw can be other than zero, so no timer is needed.
  bool is_zero() const { return a_ms <= 0 && (kind != Kind::uniform || b <= 0); }
  Moment draw(Random& random) const;
};

}  // namespace batchrun::mock

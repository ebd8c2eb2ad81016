// Every dialect, made once.
#pragma once

#include <memory>
#include <vector>

#include "io/dialect.h"
#include "tests/fuzz/must.h"

namespace batchrun {

inline const std::vector<std::unique_ptr<Dialect>>& all_dialects() {
  static const std::vector<std::unique_ptr<Dialect>> all = [] {
    std::vector<std::unique_ptr<Dialect>> made;
    for (std::size_t i = 0; i < dialect_names().size(); ++i)
      made.push_back(make_dialect(static_cast<DialectKind>(i)));
    return made;
  }();
  return all;
}

}  // namespace batchrun

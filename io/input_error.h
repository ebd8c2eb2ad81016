// The input cannot be used at all. Thrown once, by whatever opens or reads it.
#pragma once

#include <string>

namespace batchrun {

struct InputError {
  std::string message, hint;
};

}  // namespace batchrun

#include "io/output_error.h"

#include <fmt/format.h>

#include <cstring>

namespace batchrun {

void fail_output(std::string_view what, const std::string& path, int error, std::string_view hint) {
  throw OutputError(fmt::format("cannot {} {}: {}", what, path, std::strerror(error)), std::string(hint));
}

}  // namespace batchrun

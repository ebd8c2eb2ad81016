// The program's own name and version, as --version and the report say them. Kept equal to CMakeLists.txt.
#pragma once

#include <string_view>

namespace batchrun {

inline constexpr std::string_view program_version = "0.1.0";

}  // namespace batchrun

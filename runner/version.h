// The program's own name and version, as --version and the report say them. It comes from CMakeLists.txt.
#pragma once

#include <string_view>

namespace batchrun {

inline constexpr std::string_view program_version = BATCHRUN_VERSION;

}  // namespace batchrun

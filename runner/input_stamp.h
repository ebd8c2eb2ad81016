// Whether the input is still the file it was when a run began to read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace batchrun {

struct InputStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const InputStamp&, const InputStamp&) = default;
};

// Of the file that `path` leads to now; nothing for what is no regular file.
std::optional<InputStamp> stamp_of(const std::string& path);

}  // namespace batchrun

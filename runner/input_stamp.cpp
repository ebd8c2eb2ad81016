#include "runner/input_stamp.h"

#include <sys/stat.h>

namespace batchrun {

std::optional<InputStamp> stamp_of(const std::string& path) {
  struct stat found {};
  if (path == "-" || stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  return InputStamp{found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size),
                    found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

}  // namespace batchrun

#define XXH_INLINE_ALL
#include "io/row_identity.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace batchrun {

IdHash hash_id(std::string_view custom_id) {
  const XXH128_hash_t hash = XXH3_128bits(custom_id.data(), custom_id.size());
  return {hash.low64, static_cast<std::uint32_t>(hash.high64)};
}

std::uint64_t hash_content(std::string_view model, std::string_view content) {
  const std::uint64_t seed = model.empty() ? 0 : XXH3_64bits(model.data(), model.size());
  return XXH3_64bits_withSeed(content.data(), content.size(), seed);
}

std::uint64_t hash_line(std::string_view line) {
  return XXH3_64bits(line.data(), line.size());
}

std::string made_id(std::uint64_t content_hash, std::uint64_t occurrence) {
  if (occurrence <= 1) return fmt::format("row-{:016x}", content_hash);
  return fmt::format("row-{:016x}-{}", content_hash, occurrence);
}

RowIdentity make_identity(std::string_view custom_id, std::uint64_t content_hash) {
  return {hash_id(custom_id).low, static_cast<std::uint32_t>(content_hash)};
}

RowIdentity duplicate_identity(std::string_view custom_id, std::uint32_t occurrence,
                               std::uint32_t content_hash) {
  return {XXH3_64bits_withSeed(custom_id.data(), custom_id.size(), occurrence), content_hash};
}

}  // namespace batchrun

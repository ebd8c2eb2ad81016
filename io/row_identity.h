// The hashes that say whether two rows are the same one. Shared by what reads rows and by what recovers them
// from output files, so that both come to the same identity. Pure. XXH3, so stable across runs and machines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/row.h"

namespace batchrun {

// 96 bits of an id, few enough to keep for each row and too many to meet by chance.
struct IdHash {
  std::uint64_t low = 0;  // RowIdentity::id_hash
  std::uint32_t high = 0;
  friend bool operator==(const IdHash&, const IdHash&) = default;
};
IdHash hash_id(std::string_view custom_id);

// Of what is sent: `model` is one given beside the body (usually ""), `content` the body's raw text.
std::uint64_t hash_content(std::string_view model, std::string_view content);
// Of the bytes of a line that is no row.
std::uint64_t hash_line(std::string_view line);

// The id of a row that has none: "row-" and 16 hexadecimal digits of its content's hash. `occurrence`
// (1-based) tells equal rows apart: from the second on "-2", "-3", ... follows.
std::string made_id(std::uint64_t content_hash, std::uint64_t occurrence = 1);

RowIdentity make_identity(std::string_view custom_id, std::uint64_t content_hash);
// Of a line that repeats the id of an earlier one: never that one's. `occurrence`: which of the lines with
// that id it is, from 2 on, so that it stays the same wherever in the input they stand.
RowIdentity duplicate_identity(std::string_view custom_id, std::uint32_t occurrence,
                               std::uint32_t content_hash);
// The code of such a line's error.
inline constexpr std::string_view duplicate_code = "duplicate_custom_id";

}  // namespace batchrun

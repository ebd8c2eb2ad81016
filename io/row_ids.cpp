#include "io/row_ids.h"

#include <fmt/format.h>

#include <algorithm>

namespace batchrun {
namespace {

// Marks a number that counts made ids, not a line.
constexpr std::uint32_t made_mark = 1u << 31;

}  // namespace

std::optional<std::uint32_t> RowIds::find_or_add(const IdHash& id, std::uint64_t line) {
  return index_.find_or_set(id, static_cast<std::uint32_t>(std::min<std::uint64_t>(line, made_mark - 2)));
}

bool RowIds::add_new(const IdHash& id, bool given, std::uint64_t line) {
  return !(given ? find_or_add(id, line) : index_.find_or_set(id, made_mark | 1));
}

std::optional<RowIds::Repeated> RowIds::give(const IdHash& id, std::uint64_t line) {
  const auto earlier = find_or_add(id, line);
  if (!earlier) return std::nullopt;
  const bool made = (*earlier & made_mark) != 0;
  return Repeated{count_repeated(id),
                  made ? fmt::format("the custom_id of line {} is that of an earlier row without one", line)
                       : fmt::format("the custom_id of line {} is already that of line {}", line, *earlier)};
}

std::uint32_t RowIds::count_repeated(const IdHash& id) {
  const IdHash count{~id.low, id.high};
  const std::uint32_t met = index_.find(count).value_or(1) + 1;
  index_.set(count, std::min(met, made_mark - 2));
  return met;
}

void RowIds::make(std::string& id, RowIdentity& identity) {
  const IdHash hash = hash_id(id);
  const auto earlier = index_.find_or_set(hash, made_mark | 1);
  if (!earlier) return;
  std::uint32_t occurrence = (*earlier & made_mark) != 0 ? *earlier & ~made_mark : 1;
  std::string numbered;
  // An id of that form may also have been given, as in an errors file that is read again.
  do {
    numbered = fmt::format("{}-{}", id, ++occurrence);
  } while (find_or_add(hash_id(numbered), occurrence));
  index_.set(hash, made_mark | std::min(occurrence, made_mark - 2));
  id = std::move(numbered);
  identity.id_hash = hash_id(id).low;
}

}  // namespace batchrun

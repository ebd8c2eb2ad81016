#include "io/row_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/ascii.h"
#include "io/id_index.h"
#include "io/line_source.h"
#include "io/row_identity.h"

namespace batchrun {
namespace {

// What the index says of an id: the line of the row that has it, or how many rows without an id have been
// given it.
constexpr std::uint32_t made_mark = 1u << 31;

// A row whose id an earlier line has, as the refusal it becomes.
RowError as_duplicate(Row&& row) {
  RowError error;
  error.line = row.line;
  error.custom_id = std::move(row.custom_id);
  error.id_given = true;
  error.identity = row.identity;
  error.text_is_json = true;
  error.text = std::move(row.text);
  return error;
}

void mark_duplicate(RowError& error, std::uint32_t earlier) {
  error.column = 0;
  error.code = duplicate_code;
  error.message =
      (earlier & made_mark) != 0
          ? fmt::format("the custom_id of line {} is that of an earlier row without one", error.line)
          : fmt::format("the custom_id of line {} is already that of line {}", error.line, earlier);
  error.identity = duplicate_identity(error.custom_id, error.line, error.identity.content_hash);
}

bool is_blank(std::string_view text) {
  return text.empty() ||
         (ascii::is_space(text.front()) && std::all_of(text.begin(), text.end(), ascii::is_space));
}

RowError too_long(const Line& line, std::size_t max_line) {
  RowError error;
  error.line = line.number;
  error.code = "invalid_row";
  error.message = fmt::format("the line has {} bytes, allowed are {} (--max-line)", line.size, max_line);
  error.custom_id = made_id(line.hash);
  error.identity = make_identity(error.custom_id, line.hash);
  error.text = line.text;
  return error;
}

}  // namespace

struct RowReader::Impl {
  Impl(const std::string& path, const RowReaderOptions& options)
      : lines(path, options.max_line), max_line(options.max_line) {}

  std::variant<RowPtr, RowError, End> next();
  std::variant<RowPtr, RowError, End> checked(RowPtr row);
  std::variant<RowPtr, RowError, End> checked(RowError error);
  std::optional<std::uint32_t> register_given(std::string_view id, std::uint64_t line);
  void number_made(std::string& id, RowIdentity& identity);

  LineSource lines;
  const std::size_t max_line;
  IdIndex ids;
};

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::next() {
  Line line;
  do {
    if (!lines.next(line)) return End{};
    if (line.too_long) return checked(too_long(line, max_line));
  } while (is_blank(line.text));
  auto result = parse_row(std::string(line.text), line.number);
  if (auto* row = std::get_if<RowPtr>(&result)) return checked(std::move(*row));
  return checked(std::get<RowError>(std::move(result)));
}

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::checked(RowPtr row) {
  if (!row->id_given) {
    number_made(row->custom_id, row->identity);
    return row;
  }
  const auto earlier = register_given(row->custom_id, row->line);
  if (!earlier) return row;
  RowError error = as_duplicate(std::move(*row));
  mark_duplicate(error, *earlier);
  return error;
}

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::checked(RowError error) {
  if (!error.id_given) {
    number_made(error.custom_id, error.identity);
  } else if (const auto earlier = register_given(error.custom_id, error.line)) {
    mark_duplicate(error, *earlier);
  }
  return error;
}

// What an earlier line has said of the id; nothing if it is new.
std::optional<std::uint32_t> RowReader::Impl::register_given(std::string_view id, std::uint64_t line) {
  return ids.find_or_set(hash_id(id),
                         static_cast<std::uint32_t>(std::min<std::uint64_t>(line, made_mark - 2)));
}

// Gives the second and later rows of equal content ids of their own: "-2", "-3", ...
void RowReader::Impl::number_made(std::string& id, RowIdentity& identity) {
  const IdHash hash = hash_id(id);
  const auto earlier = ids.find_or_set(hash, made_mark | 1);
  if (!earlier) return;
  std::uint32_t occurrence = (*earlier & made_mark) != 0 ? *earlier & ~made_mark : 1;
  std::string numbered;
  // An id of that form may also have been given, as in an errors file that is read again.
  do {
    numbered = fmt::format("{}-{}", id, ++occurrence);
  } while (register_given(numbered, occurrence));
  ids.set(hash, made_mark | std::min(occurrence, made_mark - 2));
  id = std::move(numbered);
  identity.id_hash = hash_id(id).low;
}

RowReader::RowReader(const std::string& path, const RowReaderOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}

RowReader::~RowReader() = default;

std::variant<RowPtr, RowError, RowReader::End> RowReader::next() {
  return impl_->next();
}

bool RowReader::line_is_buffered() const {
  return impl_->lines.line_is_buffered();
}
std::uint64_t RowReader::bytes_read() const {
  return impl_->lines.bytes_read();
}
std::uint64_t RowReader::bytes_total() const {
  return impl_->lines.bytes_total();
}

}  // namespace batchrun

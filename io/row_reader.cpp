#include "io/row_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/ascii.h"
#include "io/line_source.h"
#include "io/row_identity.h"
#include "io/row_ids.h"

namespace batchrun {
namespace {

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

void mark_duplicate(RowError& error, std::string why) {
  error.column = 0;
  error.code = duplicate_code;
  error.message = std::move(why);
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

std::optional<std::variant<RowPtr, RowError>> read_line(const Line& line, std::size_t max_line) {
  if (line.too_long) return too_long(line, max_line);
  if (is_blank(line.text)) return std::nullopt;
  return parse_row(std::string(line.text), line.number);
}

struct RowReader::Impl {
  Impl(const std::string& path, const RowReaderOptions& options)
      : lines(path, options.max_line, options.stop), max_line(options.max_line) {}

  std::variant<RowPtr, RowError, End> next();
  std::variant<RowPtr, RowError, End> checked(RowPtr row);
  std::variant<RowPtr, RowError, End> checked(RowError error);

  LineSource lines;
  const std::size_t max_line;
  RowIds ids;
};

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::next() {
  for (Line line; lines.next(line);) {
    auto result = read_line(line, max_line);
    if (!result) continue;
    if (auto* row = std::get_if<RowPtr>(&*result)) return checked(std::move(*row));
    return checked(std::get<RowError>(std::move(*result)));
  }
  return End{};
}

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::checked(RowPtr row) {
  if (!row->id_given) {
    ids.make(row->custom_id, row->identity);
    return row;
  }
  auto duplicate = ids.give(hash_id(row->custom_id), row->line);
  if (!duplicate) return row;
  RowError error = as_duplicate(std::move(*row));
  mark_duplicate(error, std::move(*duplicate));
  return error;
}

std::variant<RowPtr, RowError, RowReader::End> RowReader::Impl::checked(RowError error) {
  if (!error.id_given) {
    ids.make(error.custom_id, error.identity);
  } else if (auto duplicate = ids.give(hash_id(error.custom_id), error.line)) {
    mark_duplicate(error, std::move(*duplicate));
  }
  return error;
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

#include "io/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/ascii.h"
#include "io/line_source.h"
#include "io/line_team.h"
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

void mark_duplicate(RowError& error, RowIds::Repeated repeated) {
  error.column = 0;
  error.code = duplicate_code;
  error.message = std::move(repeated.why);
  error.occurrence = repeated.occurrence;
  error.identity = duplicate_identity(error.custom_id, error.occurrence, error.identity.content_hash);
}

bool is_blank(std::string_view text) {
  return text.empty() ||
         (ascii::is_space(text.front()) && std::all_of(text.begin(), text.end(), ascii::is_space));
}

// What of a row or a refusal decides whether it is done already.
struct Glimpse {
  std::uint32_t place = 0;  // of its line in the block
  bool id_given = false;
  bool done = false;  // if no row before it has its id
  IdHash id;
  RowIdentity identity;
};

template <class RowOrError>
Glimpse glimpse_of(const RowOrError& item) {
  return {0, item.id_given, false, hash_id(item.custom_id), item.identity};
}

std::vector<Glimpse> glimpses(const LineBlock& block, std::size_t max_line, const DoneRows& done) {
  std::vector<Glimpse> found;
  found.reserve(block.lines.size());
  for (std::size_t i = 0; i < block.lines.size(); ++i) {
    const auto item = read_line(block.lines[i], max_line);
    if (!item) continue;
    const auto* const row = std::get_if<RowPtr>(&*item);
    found.push_back(row ? glimpse_of(**row) : glimpse_of(std::get<RowError>(*item)));
    found.back().place = static_cast<std::uint32_t>(i);
    done.prefetch(found.back().identity);
  }
  for (Glimpse& glimpse : found) glimpse.done = done.find(glimpse.identity) == DoneRows::Match::done;
  return found;
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

  Item next();
  Skipped skip(const DoneRows& done, std::size_t block);
  std::optional<std::size_t> first_not_done(const LineBlock& block, const std::vector<Glimpse>& rows,
                                            const DoneRows& done);
  Item checked(std::variant<RowPtr, RowError> item);
  Item checked(RowPtr row);
  Item checked(RowError error);

  LineSource lines;
  const std::size_t max_line;
  std::uint64_t given_to = 0;  // octets of the unpacked input, up to the last item given
  RowIds ids;
  std::optional<Item> held;  // read by skip(), for next()
};

RowReader::Item RowReader::Impl::next() {
  if (held) return *std::exchange(held, std::nullopt);
  for (Line line; lines.next(line);) {
    given_to = line.offset + line.size;
    if (auto item = read_line(line, max_line)) return checked(std::move(*item));
  }
  given_to = lines.octets_read();
  return End{};
}

RowReader::Skipped RowReader::Impl::skip(const DoneRows& done, std::size_t block) {
  Skipped skipped;
  using Team = LineTeam<std::vector<Glimpse>>;
  const auto work = [&](const LineBlock& of, std::size_t /*seat*/) { return glimpses(of, max_line, done); };
  for (Team team(lines, Team::seats_for_all(), work, block); auto worked = team.next();) {
    const auto stop = first_not_done(worked->lines, worked->made, done);
    skipped.rows += stop.value_or(worked->made.size());
    if (!stop) continue;
    auto& left = worked->lines.lines;
    const auto at = left.begin() + worked->made[*stop].place;
    skipped.stop = LinePlace{at->number, at->offset};
    given_to = at->offset + at->size;
    left.erase(left.begin(), at + 1);
    auto rest = team.rest();
    rest.push_front(std::move(worked->lines));
    lines.give_back(std::move(rest));
    break;
  }
  return skipped;
}

// Nearly every row is done and has an id of its own: for these it is enough to know so. Of any other it is
// found out by reading it. The first row of the block that is not done is held then.
std::optional<std::size_t> RowReader::Impl::first_not_done(const LineBlock& block,
                                                           const std::vector<Glimpse>& rows,
                                                           const DoneRows& done) {
  constexpr std::size_t ids_ahead = 8;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + ids_ahead < rows.size()) ids.prefetch(rows[i + ids_ahead].id);
    const Line& line = block.lines[rows[i].place];
    if (rows[i].done && ids.add_new(rows[i].id, rows[i].id_given, line.number)) continue;
    Item item = checked(*read_line(line, max_line));
    const auto* const row = std::get_if<RowPtr>(&item);
    const RowIdentity& identity = row ? (*row)->identity : std::get<RowError>(item).identity;
    if (done.find(identity) == DoneRows::Match::done) continue;
    held = std::move(item);
    return i;
  }
  return std::nullopt;
}

RowReader::Item RowReader::Impl::checked(std::variant<RowPtr, RowError> item) {
  if (auto* row = std::get_if<RowPtr>(&item)) return checked(std::move(*row));
  return checked(std::get<RowError>(std::move(item)));
}

RowReader::Item RowReader::Impl::checked(RowPtr row) {
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

RowReader::Item RowReader::Impl::checked(RowError error) {
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

RowReader::Item RowReader::next() {
  return impl_->next();
}

RowReader::Skipped RowReader::skip(const DoneRows& done, std::size_t block) {
  return impl_->skip(done, block);
}

bool RowReader::line_is_buffered() const {
  return impl_->held || impl_->lines.line_is_buffered();
}
std::uint64_t RowReader::bytes_done() const {
  const std::uint64_t read = impl_->lines.octets_read();
  if (read == 0) return 0;
  const double share = static_cast<double>(impl_->given_to) / static_cast<double>(read);
  return static_cast<std::uint64_t>(share * static_cast<double>(impl_->lines.bytes_read()));
}
std::uint64_t RowReader::bytes_total() const {
  return impl_->lines.bytes_total();
}

}  // namespace batchrun

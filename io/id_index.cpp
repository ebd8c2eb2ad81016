#include "io/id_index.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "io/input_error.h"

namespace batchrun {
namespace {

constexpr std::size_t page_entries = 256;
constexpr std::size_t filter_bits_per_entry = 12;
constexpr std::size_t block_words = 8;  // one cache line
constexpr int probes = 6;
constexpr std::size_t first_places = 1024;

// The block of a filter an id belongs to. Runs are sorted by the high bits, so the low ones choose here.
std::size_t block_of(std::uint64_t low, std::size_t blocks) {
  return static_cast<std::size_t>(((low & 0xFFFFFFFFu) * blocks) >> 32) * block_words;
}

// The probes within the block: nine bits each.
template <class Visit>
bool visit_probes(std::uint64_t low, std::uint32_t high, Visit visit) {
  std::uint64_t bits = (low >> 32) * 0x9E3779B97F4A7C15u ^ (std::uint64_t{high} << 20);
  for (int i = 0; i < probes; ++i) {
    if (!visit((bits >> 6) & 7, std::uint64_t{1} << (bits & 63))) return false;
    bits >>= 9;
  }
  return true;
}

[[noreturn]] void fail(const char* what) {
  throw InputError{
      fmt::format("cannot {} the temporary file that finds ids given twice: {}", what, std::strerror(errno)),
      "set TMPDIR to a directory with room"};
}

int open_temporary() {
  const char* const configured = std::getenv("TMPDIR");
  const std::string directory = configured && *configured ? configured : "/tmp";
  int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Some file systems know no files without a name.
  std::string path = directory + "/batchrun-XXXXXX";
  file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) fail("create");
  ::unlink(path.c_str());
  return file;
}

}  // namespace

IdIndex::IdIndex(std::size_t table_entries)
    : most_places_(std::bit_ceil(std::max(table_entries, std::size_t{8}))),
      table_(std::min(most_places_, first_places)) {}

IdIndex::~IdIndex() {
  if (file_ >= 0) ::close(file_);
}

// The high bits of a hash choose its place, so that the table is nearly sorted when it is written out.
std::size_t IdIndex::home_of(std::uint64_t low) const {
  return static_cast<std::size_t>(low >> (64 - std::countr_zero(table_.size())));
}

// Where the id's entry is, or the free place where it would be.
std::size_t IdIndex::place_of(const IdHash& id) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t place = home_of(id.low);
  while (table_[place].number != 0 && (table_[place].low != id.low || table_[place].high != id.high)) {
    place = (place + 1) & mask;
  }
  return place;
}

void IdIndex::prefetch(const IdHash& id) const {
  __builtin_prefetch(&table_[home_of(id.low)]);
  for (const Run& run : runs_) {
    __builtin_prefetch(run.filter.data() + block_of(id.low, run.filter.size() / block_words));
  }
}

std::optional<std::uint32_t> IdIndex::find(const IdHash& id) const {
  const Entry& entry = table_[place_of(id)];
  return entry.number != 0 ? entry.number - 1 : find_in_runs(id);
}

std::optional<std::uint32_t> IdIndex::find_or_set(const IdHash& id, std::uint32_t number) {
  const std::size_t place = place_of(id);
  if (table_[place].number != 0) return table_[place].number - 1;
  const auto found = find_in_runs(id);
  if (!found) put(place, id, number);
  return found;
}

std::optional<std::uint32_t> IdIndex::find_in_runs(const IdHash& id) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (const auto number = find_in(*run, id)) return number;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> IdIndex::find_in(const Run& run, const IdHash& id) const {
  const std::uint64_t* const block = run.filter.data() + block_of(id.low, run.filter.size() / block_words);
  if (!visit_probes(id.low, id.high,
                    [&](std::size_t word, std::uint64_t bit) { return (block[word] & bit) != 0; })) {
    return std::nullopt;
  }
  // Equal hashes may span pages: start at the last page that starts below.
  auto start = std::lower_bound(run.page_starts.begin(), run.page_starts.end(), id.low);
  if (start != run.page_starts.begin()) --start;
  std::array<Entry, page_entries> page;
  for (auto number = static_cast<std::size_t>(start - run.page_starts.begin());
       number < run.page_starts.size() && run.page_starts[number] <= id.low; ++number) {
    const std::size_t entries = std::min(page_entries, run.entries - number * page_entries);
    const std::size_t size = entries * sizeof(Entry);
    const auto offset = static_cast<off_t>(run.offset + number * page_entries * sizeof(Entry));
    if (::pread(file_, page.data(), size, offset) != static_cast<ssize_t>(size)) fail("read");
    for (std::size_t i = 0; i < entries; ++i) {
      if (page[i].low == id.low && page[i].high == id.high) return page[i].number - 1;
    }
  }
  return std::nullopt;
}

void IdIndex::set(const IdHash& id, std::uint32_t number) {
  put(place_of(id), id, number);
}

void IdIndex::put(std::size_t place, const IdHash& id, std::uint32_t number) {
  if (table_[place].number == 0) {
    if (used_ >= table_.size() / 4 * 3) {
      if (table_.size() < most_places_) {
        grow();
      } else {
        spill();
      }
      place = place_of(id);
    }
    ++used_;
  }
  table_[place] = {id.low, id.high, number + 1};
}

void IdIndex::grow() {
  const std::vector<Entry> old = std::exchange(table_, std::vector<Entry>(2 * table_.size()));
  for (const Entry& entry : old) {
    if (entry.number != 0) table_[place_of({entry.low, entry.high})] = entry;
  }
}

// Compacts the table and sorts it by hash. Only entries that found their place taken are out of order, most
// by a few places; those that went over the table's end are at its start.
void IdIndex::sort_table() {
  std::size_t wrapped = 0;
  while (table_[wrapped].number != 0 && home_of(table_[wrapped].low) > table_.size() / 2) ++wrapped;
  std::rotate(table_.begin(), table_.begin() + static_cast<std::ptrdiff_t>(wrapped), table_.end());
  std::erase_if(table_, [](const Entry& entry) { return entry.number == 0; });
  for (std::size_t i = 1; i < table_.size(); ++i) {
    const Entry entry = table_[i];
    std::size_t place = i;
    for (; place > 0 && table_[place - 1].low > entry.low; --place) table_[place] = table_[place - 1];
    table_[place] = entry;
  }
}

void IdIndex::spill() {
  const std::size_t size = table_.size();
  sort_table();
  Run run;
  write_run(run, table_);
  table_.assign(size, Entry{});
  used_ = 0;
  runs_.push_back(std::move(run));
}

void IdIndex::write_run(Run& run, const std::vector<Entry>& sorted) {
  if (file_ < 0) file_ = open_temporary();
  run.offset = file_size_;
  run.entries = sorted.size();
  const char* at = reinterpret_cast<const char*>(sorted.data());
  for (std::size_t left = sorted.size() * sizeof(Entry); left > 0;) {
    const ssize_t written = ::pwrite(file_, at, left, static_cast<off_t>(file_size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write");
    at += written;
    left -= static_cast<std::size_t>(written);
    file_size_ += static_cast<std::uint64_t>(written);
  }
  const std::size_t blocks = sorted.size() * filter_bits_per_entry / (block_words * 64) + 1;
  run.filter.resize(blocks * block_words);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    std::uint64_t* const block = run.filter.data() + block_of(sorted[i].low, blocks);
    visit_probes(sorted[i].low, sorted[i].high, [&](std::size_t word, std::uint64_t bit) {
      block[word] |= bit;
      return true;
    });
    if (i % page_entries == 0) run.page_starts.push_back(sorted[i].low);
  }
}

}  // namespace batchrun

#include "io/parse_ahead.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "io/ascii.h"
#include "io/row_identity.h"
#include "io/row_reader.h"

namespace batchrun {
namespace {

using Parsed = std::variant<RowPtr, RowError>;

// Large enough that handing a batch over does not show, small enough to stay in a cache.
constexpr std::size_t batch_bytes = 128u << 10;
constexpr std::size_t held_bytes = 1u << 20;

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

// Some lines that follow each other: read by the caller, parsed by whoever is free, taken by the caller.
struct ParseAhead::Batch {
  struct Entry {
    std::uint64_t number = 0;
    std::string text;
    Parsed parsed;
    bool done = false;  // no need to parse: a line that is too long
  };
  enum class State : std::uint8_t { waiting, in_work, parsed };

  std::vector<Entry> entries;
  std::size_t bytes = 0;
  std::size_t taken = 0;         // of entries
  std::exception_ptr failure;    // thrown after the entries
  State state = State::waiting;  // protected by Crew::mutex_

  void parse() noexcept {
    try {
      for (Entry& entry : entries) {
        if (!entry.done) entry.parsed = parse_row(std::move(entry.text), entry.number);
      }
    } catch (...) {
      failure = std::current_exception();
      entries.clear();
    }
  }
};

// The threads and the batches between them.
class ParseAhead::Crew {
 public:
  explicit Crew(unsigned helpers) {
    for (unsigned i = 0; i < helpers; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }
  ~Crew() {
    {
      const std::lock_guard hold(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Of the caller alone: how much it has read ahead, and whether there is nothing more to read.
  std::size_t held = 0;
  bool at_end = false;
  std::unique_ptr<Batch> current;  // the batch being taken

  void add(std::unique_ptr<Batch> batch) {
    held += batch->bytes;
    {
      const std::lock_guard hold(mutex_);
      batches_.push_back(std::move(batch));
    }
    changed_.notify_one();
  }

  // The oldest batch, parsed; null when there is none. While it is in another thread's work the caller parses
  // what waits.
  std::unique_ptr<Batch> take() {
    std::unique_lock hold(mutex_);
    while (!batches_.empty()) {
      if (batches_.front()->state == Batch::State::parsed) {
        auto batch = std::move(batches_.front());
        batches_.pop_front();
        return batch;
      }
      if (!parse_one(hold)) changed_.wait(hold);
    }
    return nullptr;
  }

 private:
  // Parses the oldest batch that waits; false if there is none. REQUIRES: `hold` is locked, as it is again
  // afterwards.
  bool parse_one(std::unique_lock<std::mutex>& hold) {
    const auto found = std::find_if(batches_.begin(), batches_.end(),
                                    [](const auto& batch) { return batch->state == Batch::State::waiting; });
    if (found == batches_.end()) return false;
    Batch& batch = **found;
    batch.state = Batch::State::in_work;
    hold.unlock();
    batch.parse();
    hold.lock();
    batch.state = Batch::State::parsed;
    changed_.notify_all();
    return true;
  }

  void work() {
    std::unique_lock hold(mutex_);
    while (!closing_) {
      if (!parse_one(hold)) changed_.wait(hold);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Batch>> batches_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

ParseAhead::ParseAhead(LineSource& lines, std::size_t max_line, unsigned helpers)
    : lines_(lines), max_line_(max_line) {
  if (helpers > 0) crew_ = std::make_unique<Crew>(helpers);
}

ParseAhead::~ParseAhead() = default;

std::optional<Parsed> ParseAhead::next() {
  if (!crew_) return next_directly();
  for (;;) {
    if (auto* batch = crew_->current.get()) {
      if (batch->taken < batch->entries.size()) return std::move(batch->entries[batch->taken++].parsed);
      if (batch->failure) std::rethrow_exception(batch->failure);
      crew_->held -= batch->bytes;
      crew_->current.reset();
    }
    fill();
    crew_->current = crew_->take();
    if (!crew_->current) return std::nullopt;
  }
}

std::optional<Parsed> ParseAhead::next_directly() {
  Line line;
  do {
    if (!lines_.next(line)) return std::nullopt;
    if (line.too_long) return too_long(line, max_line_);
  } while (is_blank(line.text));
  return parse_row(std::string(line.text), line.number);
}

// Reads until as much as may be is held.
void ParseAhead::fill() {
  while (!crew_->at_end && crew_->held < held_bytes) {
    auto batch = std::make_unique<Batch>();
    batch->entries.reserve(256);
    try {
      Line line;
      while (batch->bytes < batch_bytes) {
        if (!lines_.next(line)) {
          crew_->at_end = true;
          break;
        }
        if (!line.too_long && is_blank(line.text)) continue;
        auto& entry = batch->entries.emplace_back();
        entry.number = line.number;
        entry.done = line.too_long;
        if (line.too_long) {
          entry.parsed = too_long(line, max_line_);
        } else {
          entry.text = line.text;
        }
        batch->bytes += line.text.size();
      }
    } catch (...) {
      batch->failure = std::current_exception();
      crew_->at_end = true;
    }
    crew_->add(std::move(batch));
  }
}

}  // namespace batchrun

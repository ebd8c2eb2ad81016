#include "tests/story/reply_reader.h"

#include <algorithm>
#include <cstdlib>

namespace batchrun::story {

void ReplyReader::take(std::string_view octets) {
  got_any_ = got_any_ || !octets.empty();
  buffer_ += octets;
  while (!complete_ && step()) {
  }
}

// False: more octets must come.
bool ReplyReader::step() {
  switch (state_) {
    case State::head:
      return read_head();
    case State::counted:
      if (!read_body(State::counted)) return false;
      complete_ = true;
      return true;
    case State::chunk_size:
      return read_chunk_size();
    case State::chunk:
      return read_body(State::chunk_end);
    case State::chunk_end:
      if (buffer_.size() < 2) return false;
      buffer_.erase(0, 2);
      state_ = State::chunk_size;
      return true;
    case State::until_close:
      give(buffer_);
      buffer_.clear();
      return false;
  }
  std::abort();
}

bool ReplyReader::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  std::string_view lines = std::string_view(buffer_).substr(0, end + 2);
  head_.status = std::atoi(buffer_.c_str() + buffer_.find(' '));
  for (lines.remove_prefix(lines.find("\r\n") + 2); !lines.empty();) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const std::size_t colon = line.find(": ");
    head_.add(line.substr(0, colon), line.substr(colon + 2));
    lines.remove_prefix(line.size() + 2);
  }
  state_ = State::until_close;
  if (head_.field("transfer-encoding") == "chunked") {
    state_ = State::chunk_size;
  } else if (const std::string_view length = head_.field("content-length"); !length.empty()) {
    state_ = State::counted;
    left_ = std::strtoull(std::string(length).c_str(), nullptr, 10);
  }
  buffer_.erase(0, end + 4);
  flow_ = sink_.on_head(head_);
  return true;
}

bool ReplyReader::read_chunk_size() {
  const std::size_t end = buffer_.find("\r\n");
  if (end == std::string::npos) return false;
  left_ = std::strtoull(buffer_.c_str(), nullptr, 16);
  if (left_ == 0) {
    complete_ = buffer_.size() >= end + 4;
    return complete_;
  }
  buffer_.erase(0, end + 2);
  state_ = State::chunk;
  return true;
}

bool ReplyReader::read_body(State then) {
  const std::size_t size = std::min(left_, buffer_.size());
  give(std::string_view(buffer_).substr(0, size));
  buffer_.erase(0, size);
  left_ -= size;
  if (left_ > 0) return false;
  state_ = then;
  return true;
}

void ReplyReader::give(std::string_view octets) {
  if (!octets.empty() && flow_ != Flow::done && flow_ != Flow::stop) flow_ = sink_.on_body(octets);
}

}  // namespace batchrun::story

// A reply as octets cut anywhere, turned into what a ResponseSink hears. For replies that are framed as they
// should be: what a client does with others is tested where real sockets are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/http_message.h"

namespace batchrun::story {

class ReplyReader {
 public:
  explicit ReplyReader(ResponseSink& sink) : sink_(sink) {}

  void take(std::string_view octets);
  void connection_ended() { complete_ = complete_ || state_ == State::until_close; }

  Flow flow() const { return flow_; }
  bool complete() const { return complete_; }
  bool got_any() const { return got_any_; }

 private:
  enum class State : std::uint8_t { head, counted, chunk_size, chunk, chunk_end, until_close };
  bool step();
  bool read_head();
  bool read_chunk_size();
  bool read_body(State then);
  void give(std::string_view octets);

  ResponseSink& sink_;
  ResponseHead head_;
  State state_ = State::head;
  std::string buffer_;
  std::size_t left_ = 0;
  Flow flow_ = Flow::awaiting;
  bool complete_ = false, got_any_ = false;
};

}  // namespace batchrun::story

#include "io/sse_decoder.h"

#include <cstring>

namespace batchrun {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// The first `wanted` in [from, to), or `to`.
const char* find_byte(const char* from, const char* to, char wanted) {
  if (from == to) return to;
  const void* found = std::memchr(from, wanted, static_cast<std::size_t>(to - from));
  return found != nullptr ? static_cast<const char*>(found) : to;
}

}  // namespace

void SseDecoder::feed(std::string_view octets) {
  at_ = octets.data();
  end_ = at_ + octets.size();
  lf_ = find_byte(at_, end_, '\n');
}

std::optional<SseEvent> SseDecoder::next() {
  if (delivered_) {
    delivered_ = has_data_ = bare_ = data_in_place_ = false;
    name_.clear();
    data_.clear();
  }
  std::string_view line;
  while (!overflowed_) {
    if (!take_line(line)) return out_of_input();
    const bool in_place = line_.empty();
    const bool blank = line.empty();
    if (line.size() > max_event_bytes_) {
      overflowed_ = true;
    } else if (!blank) {
      take_field(line, in_place);
    }
    line_.clear();
    if (blank && has_data_) return deliver();
    if (blank) name_.clear();
  }
  return std::nullopt;
}

// The next whole line, BOM taken off; false when its end has not come. It is a part of the octets fed, unless
// its start had been kept: then it is in line_.
bool SseDecoder::take_line(std::string_view& line) {
  if (after_cr_ && at_ != end_) {
    after_cr_ = false;
    if (*at_ == '\n') ++at_;
  }
  if (lf_ < at_) lf_ = find_byte(at_, end_, '\n');
  const char* stop = find_byte(at_, lf_, '\r');
  if (stop == end_) return false;
  line = {at_, static_cast<std::size_t>(stop - at_)};
  if (!line_.empty()) line = line_.append(line);
  after_cr_ = *stop == '\r';
  at_ = stop + 1;
  if (first_line_ && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  first_line_ = false;
  return true;
}

void SseDecoder::take_field(std::string_view line, bool in_place) {
  if (!has_data_) bare_ = line.starts_with('{') || line.starts_with('[');
  if (bare_) return add_data(line, in_place);
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") add_data(value, in_place);
  if (field == "event") name_ = value;
}

void SseDecoder::add_data(std::string_view value, bool in_place) {
  if (!has_data_ && in_place) {
    in_place_ = value;
    data_in_place_ = true;
  } else if (!has_data_) {
    data_ = value;
  } else {
    own_data();
    data_ += '\n';
    data_ += value;
    if (data_.size() > max_event_bytes_) overflowed_ = true;
  }
  has_data_ = true;
}

// The octets are read to their end: what is kept of them must be copied now.
std::optional<SseEvent> SseDecoder::out_of_input() {
  own_data();
  line_.append(at_, end_);
  at_ = end_ = lf_ = nullptr;
  if (line_.size() > max_event_bytes_) {
    overflowed_ = true;
    return std::nullopt;
  }
  if (!ended_) return std::nullopt;
  std::string_view last = line_;
  if (first_line_ && last.starts_with(byte_order_mark)) last.remove_prefix(byte_order_mark.size());
  if (!last.empty()) take_field(last, false);
  line_.clear();
  return has_data_ && !overflowed_ ? std::optional(deliver()) : std::nullopt;
}

SseEvent SseDecoder::deliver() {
  delivered_ = true;
  return {name_, data_in_place_ ? in_place_ : std::string_view(data_)};
}

void SseDecoder::own_data() {
  if (data_in_place_) data_ = in_place_;
  data_in_place_ = false;
}

}  // namespace batchrun

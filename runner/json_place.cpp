#include "runner/json_place.h"

#include <algorithm>

namespace batchrun {

TextPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          before.size() - line_start + 1};
}

std::string pointer_to(std::string_view parent, std::string_view name) {
  std::string out(parent);
  out += '/';
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

JsonPlaces::JsonPlaces(std::string_view text) : text_(text) {
  scan_value("");
}

void JsonPlaces::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.compare(at_, 2, "/*") == 0) {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string::npos ? text_.size() : end + 2;
    } else {
      return;
    }
  }
}

std::string_view JsonPlaces::scan_string() {
  const std::size_t start = ++at_;
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
  const std::size_t end = std::min(at_, text_.size());
  at_ = std::min(end + 1, text_.size());
  return std::string_view(text_).substr(start, end - start);
}

void JsonPlaces::scan_object(const std::string& pointer) {
  ++at_;
  for (;;) {
    skip_space();
    if (!at('"')) break;
    const std::size_t name_at = at_;
    const std::string member = pointer_to(pointer, scan_string());
    skip_space();
    if (at(':')) ++at_;
    if (entries_.count(member) != 0 && duplicate_.empty()) {
      duplicate_ = member;
      duplicate_at_ = name_at;
    }
    entries_[member].name = name_at;
    scan_value(member);
    skip_space();
    if (!at(',')) break;
    ++at_;
  }
  if (at('}')) ++at_;
}

void JsonPlaces::scan_array(const std::string& pointer) {
  ++at_;
  for (std::size_t index = 0;; ++index) {
    skip_space();
    if (at_ >= text_.size() || at(']')) break;
    const std::string element = pointer_to(pointer, std::to_string(index));
    entries_[element].name = at_;
    scan_value(element);
    skip_space();
    if (!at(',')) break;
    ++at_;
  }
  if (at(']')) ++at_;
}

void JsonPlaces::scan_value(const std::string& pointer) {
  skip_space();
  entries_[pointer].value = at_;
  if (at('{')) {
    scan_object(pointer);
  } else if (at('[')) {
    scan_array(pointer);
  } else if (at('"')) {
    scan_string();
  } else {
    while (at_ < text_.size() && std::string_view(",]} \t\r\n/").find(text_[at_]) == std::string_view::npos)
      ++at_;
  }
}

const JsonPlaces::Entry& JsonPlaces::nearest(std::string& pointer) const {
  for (;;) {
    const auto found = entries_.find(pointer);
    if (found != entries_.end()) return found->second;
    pointer.resize(std::min(pointer.rfind('/'), pointer.size()));
  }
}

TextPlace JsonPlaces::value(std::string pointer) const {
  return place_at(text_, nearest(pointer).value);
}

TextPlace JsonPlaces::name(std::string pointer) const {
  const Entry& entry = nearest(pointer);
  return place_at(text_, pointer.empty() ? entry.value : entry.name);
}

TextPlace JsonPlaces::duplicate_place() const {
  return place_at(text_, duplicate_at_);
}

}  // namespace batchrun

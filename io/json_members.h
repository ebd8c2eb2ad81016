// The members of a JSON object as they lie in its text: for splicing parts of one JSON text into another
// without parsing or copying them. Pure; an iterator is owned by one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace batchrun {

// Walks the top-level members of one object in their order, duplicates included:
//
//   JsonMembers members(object);
//   for (std::string_view key, value; members.next(key, value);) ...
//
// REQUIRES: `object` is one valid JSON object (a parser has said so), white space around it allowed. For any
// other text the walk ends somewhere, without reading outside of it.
class JsonMembers {
 public:
  explicit JsonMembers(std::string_view object);

  // The next member, or false after the last. `key`: without its quotes, escapes left as they are. `value`:
  // the whole value without white space around it; a string has its quotes. Both are parts of the object's
  // text.
  bool next(std::string_view& key, std::string_view& value);

 private:
  const char* at_;
  const char* end_;
};

// The first of the members' names, escapes decoded, that `wanted` says yes to; "" if there is none. REQUIRES:
// as above.
std::string find_name(std::string_view object, const std::function<bool(std::string_view name)>& wanted);

// The end of the value that starts at `at`. REQUIRES: as above; `at` is at the value's first byte.
const char* end_of_json_value(const char* at, const char* end);

}  // namespace batchrun

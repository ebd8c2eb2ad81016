#include "io/dialects/native_row.h"

#include <algorithm>

#include "io/json_members.h"
#include "io/json_text.h"

namespace batchrun {

void append_members_without(std::string& out, std::string_view object,
                            std::initializer_list<std::string_view> left_out) {
  std::string decoded;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    const std::string_view name = json_unescaped(key, decoded);
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    out.append(",\"").append(key).append("\":").append(value);
  }
}

}  // namespace batchrun

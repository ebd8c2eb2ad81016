#include "io/dialects/native_row.h"

#include <algorithm>

#include "io/json_members.h"
#include "io/json_text.h"

namespace batchrun {

void append_members_without(std::string& out, std::string_view object,
                            std::initializer_list<std::string_view> left_out) {
  std::string name;
  JsonMembers members(object);
  for (std::string_view key, value; members.next(key, value);) {
    // Spelled with escapes, a name is still the same name to the provider's parser.
    name.clear();
    append_json_unescaped(name, key);
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    out.append(",\"").append(key).append("\":").append(value);
  }
}

}  // namespace batchrun

// A reply's head in one expression: reply_head(429, {{"retry-after", "2"}}).
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "io/http_message.h"

namespace batchrun {

using HeadFields = std::vector<std::pair<std::string_view, std::string_view>>;

inline ResponseHead reply_head(int status, const HeadFields& fields = {}) {
  ResponseHead head;
  head.status = status;
  for (const auto& [name, value] : fields) head.add(name, value);
  return head;
}

}  // namespace batchrun

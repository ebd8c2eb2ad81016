// A row in a provider's own words: its body goes as it came but for a few members that are set anew. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace batchrun {

// Appends the members of `object` as they came, each with a comma before it, without those named. REQUIRES:
// `object` is valid JSON.
void append_members_without(std::string& out, std::string_view object,
                            std::initializer_list<std::string_view> left_out);

}  // namespace batchrun

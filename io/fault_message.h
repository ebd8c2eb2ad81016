// What a server said, made fit for people: Fault::message. Pure.
#pragma once

#include <string>
#include <string_view>

namespace batchrun {

inline constexpr std::size_t fault_message_bytes = 512;

// `text` on one line, at most fault_message_bytes long: white space runs are one space; control characters
// and characters that steer a terminal's reading order are left out; bytes that are no UTF-8 become U+FFFD.
// What looks like a key or a piece of one becomes "[key]": providers repeat the key they refuse, in part or
// whole. A key of no known look has to be taken out by Credential::redact, which knows it.
std::string fault_message(std::string_view text);

}  // namespace batchrun

// Text from outside made safe to show on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace batchrun {

// `text` on one line with nothing left that a terminal would obey or that would change how the rest reads: C0
// and C1 controls, DEL, bidirectional and other invisible format characters, line separators and invalid
// UTF-8 come out as \n, \t, \x1b or \u{202e}. Longer than `max_bytes` is cut at a character and ends in
// "...". Pure.
std::string inert(std::string_view text, std::size_t max_bytes = std::string::npos);

// The same in quotes, for use in a message.
std::string in_quotes(std::string_view text, std::size_t max_bytes = 128);

}  // namespace batchrun

// Text as a part of a URL. Pure. Source: RFC 3986, 2.1 and 2.3.
#pragma once

#include <string>
#include <string_view>

namespace batchrun {

// Appends `text` with every byte that is not a letter, a digit or one of - . _ ~ as %XX: nothing in it can
// end a value, a path or the line it stands in.
void append_percent_encoded(std::string& out, std::string_view text);

// The same for what `text` already ends in, from byte `start` on: for a secret that must not be copied.
void percent_encode_from(std::string& text, std::size_t start);

}  // namespace batchrun

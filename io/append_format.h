// fmt::format at the end of a string, without the string in between.
//
// fmt::format_to is a template that brings the whole of fmt's machine into each file that calls it, which is
// more than all else that most of these files compile to: here it is compiled once. Pure.
#pragma once

#include <fmt/core.h>

#include <string>

namespace batchrun {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args values);

// Formats are checked when they are compiled.
template <class... Values>
void append_format(std::string& out, fmt::format_string<Values...> format, Values&&... values) {
  append_formatted(out, format, fmt::make_format_args(values...));
}

}  // namespace batchrun

// How mistakes and remarks look: "error: what", " --> where", "  hint: what to do".
#pragma once

#include <string>
#include <string_view>

#include "runner/env.h"
#include "runner/settings.h"

namespace batchrun {

// Whether a stream gets colour: --color decides, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether it is a
// terminal. Sources: no-color.org, clig.dev.
bool use_color(ColorMode mode, const Environment& environment, bool is_terminal);

// The text of an error with its line endings; everything in it is made inert. Only the hint may have several
// lines (LF): texts from outside must be inert before they become part of one.
std::string render_error(std::string_view message, std::string_view place, std::string_view hint, bool color);
std::string render_error(const UsageError& error, bool color);

// "note: ..." with its line ending; made inert.
std::string render_note(std::string_view message, bool color);

}  // namespace batchrun

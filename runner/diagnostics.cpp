#include "runner/diagnostics.h"

#include <fmt/format.h>

#include "runner/inert.h"

namespace batchrun {
namespace {

constexpr std::size_t longest_sentence = 2048;

std::string paint(std::string_view text, std::string_view code, bool color) {
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

// A hint may go over several lines; the later ones stand under the first.
std::string inert_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\n');
    out += inert(text.substr(0, end), longest_sentence);
    if (end == std::string_view::npos) return out;
    out += "\n        ";
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool use_color(ColorMode mode, const Environment& environment, bool is_terminal) {
  if (mode != ColorMode::automatic) return mode == ColorMode::on;
  if (!env_value(environment, "NO_COLOR").empty()) return false;
  const std::string& force = env_value(environment, "FORCE_COLOR");
  if (!force.empty()) return force != "0";
  return is_terminal && env_value(environment, "TERM") != "dumb";
}

std::string render_error(std::string_view message, std::string_view place, std::string_view hint,
                         bool color) {
  std::string out = paint("error:", "1;31", color) + " " + inert(message, longest_sentence) + "\n";
  if (!place.empty()) out += paint(" -->", "1;34", color) + " " + inert(place, longest_sentence) + "\n";
  if (!hint.empty()) out += paint("  hint:", "1;36", color) + " " + inert_lines(hint) + "\n";
  return out;
}

std::string render_error(const UsageError& error, bool color) {
  return render_error(error.what(), error.place, error.hint, color);
}

std::string render_note(std::string_view message, bool color) {
  return paint("note:", "1;36", color) + " " + inert(message, longest_sentence) + "\n";
}

}  // namespace batchrun

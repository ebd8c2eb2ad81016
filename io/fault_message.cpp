#include "io/fault_message.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "io/ascii.h"
#include "io/utf8.h"

namespace batchrun {

namespace {

constexpr std::string_view mask = "[key]";
// What stands before a key of any look: OpenAI's words, and SerpApi's URLs.
constexpr std::array<std::string_view, 2> announcements = {"key provided: ", "api_key="};
constexpr std::size_t shortest_key = 6;  // bytes after the prefix; shorter is a word ("sk-learn")

std::uint32_t code_point_at(const char* at, std::size_t length) {
  const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  if (length == 1) return byte(0);
  std::uint32_t result = byte(0) & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) result = (result << 6) | (byte(i) & 0x3Fu);
  return result;
}

bool separates(std::uint32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x2028 || c == 0x2029;
}

// Controls, and format characters that reorder or hide what follows.
bool steers(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

// One line of clean UTF-8, a little longer than `enough` at most.
std::string clean_line(std::string_view text, std::size_t enough) {
  std::string line;
  const char* const end = text.data() + text.size();
  bool gap = false;
  for (const char* at = text.data(); at != end && line.size() < enough;) {
    const std::size_t length = utf8_length(at, end);
    const std::uint32_t c = length == 0 ? 0xFFFD : code_point_at(at, length);
    if (separates(c)) {
      gap = !line.empty();
    } else if (!steers(c)) {
      if (gap) line += ' ';
      gap = false;
      line += length == 0 ? utf8_replacement : std::string_view(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return line;
}

bool is_key_byte(char c) {
  return ascii::is_alnum(c) || c == '-' || c == '_' || c == '*' || c == '.';
}

// Does a run of key bytes look like a secret? Keys of OpenAI and OpenRouter, Groq, Cerebras, xAI, Google;
// anything the server has starred out itself.
bool looks_secret(std::string_view run) {
  constexpr std::array<std::string_view, 7> prefixes = {"sk-", "sk_", "gsk_", "csk-", "xai-", "AIza", "rk-"};
  if (run.find("***") != std::string_view::npos) return true;
  return std::any_of(prefixes.begin(), prefixes.end(), [run](std::string_view prefix) {
    return run.starts_with(prefix) && run.size() >= prefix.size() + shortest_key;
  });
}

bool announces_key(std::string_view before) {
  return std::any_of(announcements.begin(), announcements.end(), [before](std::string_view words) {
    return before.size() >= words.size() && ascii::same(before.substr(before.size() - words.size()), words);
  });
}

std::string mask_secrets(std::string_view line) {
  std::string result;
  result.reserve(line.size());
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = at;
    while (end < line.size() && is_key_byte(line[end])) ++end;
    std::string_view run = line.substr(at, end - at);
    while (run.ends_with('.')) run.remove_suffix(1);
    const bool named = !run.empty() && announces_key(line.substr(0, at));
    if (named || looks_secret(run)) {
      result += mask;
      at += run.size();
    }
    // The run's own dots, or all of a harmless run, and the byte that ended it.
    const std::size_t stop = std::min(line.size(), end + 1);
    result += line.substr(at, stop - at);
    at = stop;
  }
  return result;
}

}  // namespace

std::string fault_message(std::string_view text) {
  // Twice the length first: masking only shortens where a key was, and a key cut off here keeps its telling
  // start.
  std::string message = mask_secrets(clean_line(text, 2 * fault_message_bytes));
  if (message.size() > fault_message_bytes) {
    std::size_t cut = fault_message_bytes - 3;
    while ((static_cast<unsigned char>(message[cut]) & 0xC0) == 0x80) --cut;
    message.resize(cut);
    message += "...";
  }
  return message;
}

}  // namespace batchrun

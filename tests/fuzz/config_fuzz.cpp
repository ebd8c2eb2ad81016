// Config texts: read, or refused with a place; and no message holds a part of a key.
#include <cstdint>
#include <string>

#include "runner/config.h"
#include "runner/settings.h"
#include "tests/fuzz/must.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("file:") != std::string_view::npos) return 0;  // no other file is to be read
  static const std::string secret = "fuzz-canary-key";
  static const Environment environment = {{"KEY", secret}};
  try {
    parse_config(text, "fuzz.json", environment);
  } catch (const UsageError& error) {
    const std::string message = error.what();
    must(!message.empty() && message.find('\n') == std::string::npos);
    must(text.find(secret) != std::string_view::npos ||
         (message + error.place + error.hint).find(secret) == std::string::npos);
    must(error.place.starts_with("fuzz.json") || error.place.empty() || is_variable(error.place));
  }
  return 0;
}

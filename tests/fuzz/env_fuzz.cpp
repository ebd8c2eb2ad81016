// .env files: read, or refused with a place; what was read, written out plainly, is read the same.
#include <cstdint>
#include <string>

#include "runner/env.h"
#include "runner/settings.h"
#include "tests/fuzz/must.h"

namespace {

// In single quotes everything stands for itself, but a single quote cannot stand.
bool can_be_quoted(const std::string& value) {
  return value.find('\'') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Environment read;
  try {
    read = parse_env_file(text, "fuzz.env");
  } catch (const UsageError& error) {
    must(error.place.starts_with("fuzz.env:"));
    return 0;
  }
  std::string written;
  Environment wanted;
  for (const auto& [name, value] : read) {
    must(!name.empty() && name.find_first_of("= \n\t'\"") == std::string::npos);
    if (!can_be_quoted(value)) continue;
    written += name + "='" + value + "'\n";
    wanted.emplace(name, value);
  }
  must(parse_env_file(written, "again.env") == wanted);
  return 0;
}

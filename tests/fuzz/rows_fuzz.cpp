// Lines of an input: refused or read, and what is read becomes a good request in every dialect that may get
// it.
#include <cstdint>

#include "io/json_tokens.h"
#include "io/row_reader.h"
#include "tests/fuzz/dialects.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchrun;
  const auto parsed = parse_row(std::string(reinterpret_cast<const char*>(data), size), 1);
  const auto* row = std::get_if<RowPtr>(&parsed);
  if (row == nullptr) return 0;
  static JsonTokens tokens(512);
  constexpr std::string_view canary = "fuzz-canary-key";
  if ((*row)->text.find(canary) != std::string::npos) return 0;  // the row says it itself
  static const Credential secret{std::string(canary)};
  static const Endpoint endpoint = [] {
    Endpoint made;
    made.origin.host = "h.test";
    return made;
  }();
  for (const auto& dialect : all_dialects()) {
    if (!dialect->serves((*row)->api, {})) continue;
    if (!(*row)->needs.without(dialect->honours(endpoint)).empty()) continue;
    for (const bool stream : {false, true}) {
      if (stream && !dialect->streams((*row)->api)) continue;
      const Request request = dialect->encode(**row, "some-model", stream, endpoint, secret);
      must(request.body.empty() || tokens.scan(request.body));
      must(request.head.ends_with("\r\n\r\n"));
      must(request.head.find("\r\n\r\n") == request.head.size() - 4);
      must(request.body.find(canary) == std::string::npos);
    }
  }
  return 0;
}

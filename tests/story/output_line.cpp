#include "tests/story/output_line.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace batchrun::story {
namespace {

std::optional<OutputLine> parse(const std::string& line) {
  simdjson::dom::parser parser;
  simdjson::dom::element top;
  if (parser.parse(simdjson::padded_string(line)).get(top) != simdjson::SUCCESS) return std::nullopt;
  OutputLine out;
  std::string_view text;
  if (top["batchrun"]["row"].get(out.row) != simdjson::SUCCESS) return std::nullopt;
  if (top["batchrun"]["ok"].get(out.ok) != simdjson::SUCCESS) return std::nullopt;
  if (top["custom_id"].get(text) == simdjson::SUCCESS) out.id = text;
  if (top["error"]["code"].get(text) == simdjson::SUCCESS) out.code = text;
  const auto choice = top["response"]["body"]["choices"].at(0);
  if (choice["message"]["content"].get(text) == simdjson::SUCCESS) out.text = text;
  if (choice["finish_reason"].get(text) == simdjson::SUCCESS) out.finish = text;
  return out;
}

}  // namespace

OutputText read_output(const std::string& text) {
  OutputText out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::optional<OutputLine> line = parse(text.substr(at, end - at));
    if (line) out.lines.push_back(*line);
    out.bad += !line || end == text.size();
    at = end + 1;
  }
  return out;
}

}  // namespace batchrun::story

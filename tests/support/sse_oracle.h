// Server-sent events read in the simplest way there is, to judge the decoder by.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace batchrun {

using SseEvents = std::vector<std::pair<std::string, std::string>>;  // names and data

// The standard's words in the simplest form: the whole text, lines first, then fields.
inline SseEvents sse_oracle(std::string text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text = text.substr(3);
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      lines.emplace_back();
    } else {
      lines.back() += text[i];
    }
  }
  lines.emplace_back();  // the end of the stream ends an event
  SseEvents events;
  std::string name, data;
  bool any = false, bare = false;
  for (const std::string& line : lines) {
    if (line.empty()) {
      if (any) events.emplace_back(name, data.substr(0, data.size() - 1));
      name.clear(), data.clear(), any = bare = false;
      continue;
    }
    if (!any && (line[0] == '{' || line[0] == '[')) bare = true;
    if (bare) {
      data += line + "\n", any = true;
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string field = colon == std::string::npos ? line : line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value = value.substr(1);
    if (field == "data") data += value + "\n", any = true;
    if (field == "event") name = value;
  }
  return events;
}

}  // namespace batchrun

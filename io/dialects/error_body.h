// What the body of an error says, whichever provider wrote it. Pure.
//
// The body may be anything: an error object, an error string, a flat object (Cerebras, older vLLM), FastAPI's
// "detail", an array around any of them, HTML of a CDN, nothing. JSON is never required to classify.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace batchrun {

struct ErrorBody {
  bool json = false;
  std::string message, type, code;
  int status = 0;           // 400 to 599 that the body itself names
  std::string detail_code;  // a finer code one level down: Azure's innererror.code, Anthropic's
                            //   details.error_code
  bool moderated = false;   // OpenRouter: metadata says the input was flagged

  // Whether `code`, `type` or `detail_code` is one of the names.
  bool says(std::initializer_list<std::string_view> names) const;
};

ErrorBody read_error_body(std::string_view body);

// The text of the first <title>, "" when there is none: what a CDN's error page says.
std::string html_title(std::string_view body);

}  // namespace batchrun

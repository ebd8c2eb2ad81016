// A request as a server reads it, and rows to make requests of.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "io/http_message.h"
#include "io/row.h"

namespace batchrun {

struct SentRequest {
  std::string line;
  std::map<std::string, std::string> fields;
  std::string body;
};

SentRequest as_sent(const Request& request);

// JSON in simdjson's own form, so that two texts can be compared: no white space, one way of escaping.
std::string normal_json(std::string_view text);

// A line of an input file as the run reads it. REQUIRES: it is a row.
RowPtr row_of(std::string line);

}  // namespace batchrun

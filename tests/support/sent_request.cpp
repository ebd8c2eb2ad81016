#include "tests/support/sent_request.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <utility>

#include "io/row_reader.h"

namespace batchrun {

SentRequest as_sent(const Request& request) {
  SentRequest sent;
  EXPECT_TRUE(request.head.ends_with("\r\n\r\n"));
  std::string_view rest = request.head;
  const auto take_line = [&rest] {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  sent.line = take_line();
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(": ");
    EXPECT_TRUE(sent.fields.emplace(line.substr(0, colon), line.substr(colon + 2)).second) << line;
  }
  EXPECT_TRUE(rest.empty());
  sent.body = request.body;
  return sent;
}

std::string normal_json(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  EXPECT_EQ(parser.parse(text.data(), text.size()).get(element), simdjson::SUCCESS) << text;
  return simdjson::minify(element);
}

RowPtr row_of(std::string line) {
  auto row = parse_row(std::move(line), 1);
  if (auto* refused = std::get_if<RowError>(&row)) ADD_FAILURE() << refused->message;
  return std::move(std::get<RowPtr>(row));
}

}  // namespace batchrun

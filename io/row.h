// One input line, parsed just enough to route, charge and send it. Owned by one thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/api.h"
#include "io/chat_features.h"

namespace batchrun {

enum class RowShape : std::uint8_t {
  body,    // a body in the words of `Row::api`, inside an OpenAI Batch line; of chat also bare
  prompt,  // {"prompt": ..., "system": ...}
  search,  // {"query": ..., "num": ..., ...}
};

// Whose members a body's are: in a bare body and a prompt row some are batchrun's own.
enum class BodyPlace : std::uint8_t { in_batch_line, is_the_row };

// What makes two rows the same row: the id the user gave it and what is asked. Stable across runs and
// machines.
struct RowIdentity {
  std::uint64_t id_hash = 0;  // of custom_id
  std::uint32_t content_hash =
      0;  // of what is sent (path, model, body); its 8 hex digits end the result's "id"
  friend bool operator==(const RowIdentity&, const RowIdentity&) = default;
};

struct Row {
  std::uint64_t line = 0;  // 1-based line of the input file
  std::string text;        // the JSON object of the row as it came, without line ending
  RowShape shape = RowShape::body;
  Api api = Api::chat;
  FeatureSet needs;       // Api::chat and search: what an answer takes beyond plain text
  std::string_view body;  // RowShape::body: the body's text, a part of `text`; of a bare body all of it, so
                          //   that batchrun's own members (custom_id, tags, ...) are among the provider's
  std::string custom_id;  // given, or made from the content; never empty
  bool id_given = false;
  RowIdentity identity;

  std::string prompt, system;  // RowShape::prompt; of a search, `prompt` is the query
  std::string provider;        // "" = any
  std::string model;           // "" = the provider's default
  std::string route;           // "" = none
  std::vector<std::string> tags;
  std::string_view metadata;  // raw JSON, a part of `text`; empty = none

  std::uint32_t content_bytes = 0;  // bytes of text the model reads, for the token estimate
  std::uint32_t message_count = 0;
  std::uint32_t media_count = 0;  // images, files, audio: no text, but tokens nobody can tell beforehand
  std::uint64_t max_output_tokens = 0;  // as the row says; 0 = it does not
  std::uint32_t choices = 1;            // "n"

  // Whose members stand among those that are sent.
  BodyPlace place() const {
    const std::size_t start = std::min(text.find('{'), text.size());
    const bool is_inner = shape == RowShape::body && body.data() != text.data() + start;
    return is_inner ? BodyPlace::in_batch_line : BodyPlace::is_the_row;
  }
};
using RowPtr = std::unique_ptr<Row>;

// A line that cannot be used, and where.
struct RowError {
  std::uint64_t line = 0;
  std::uint32_t column = 0;  // 1-based byte column; 0 = the whole line
  std::string code;          // "invalid_row", "duplicate_custom_id", "no_route", ...
  std::string message;       // one sentence for people, inert
  std::string custom_id;     // given, or made from the line's bytes when it could not be read; never empty
  bool id_given = false;
  std::string text;              // the line as it came, cut at 64 KiB
  std::uint32_t occurrence = 0;  // of a duplicate_custom_id: which of the lines with that id it is, from 2 on
  bool text_is_json = false;     // text is one valid JSON object, so it can be given back as `request`
  RowIdentity identity;          // for resume: made from the id, else from the bytes of the line
};

}  // namespace batchrun

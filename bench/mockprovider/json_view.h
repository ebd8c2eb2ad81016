// Request bodies as JSON: a view of a parsed value that answers the questions dialects ask, so that none of
// them needs the parser. Asking a value for what it is not gives nothing; no question fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace batchrun::mock {

class JsonView {
 public:
  JsonView() = default;  // nothing: as a member that is not there
  explicit JsonView(const void* value) : value_(value) {}

  bool exists() const;  // it is there and not null
  bool is_text() const;
  bool is_bool() const;
  bool is_array() const;
  bool is_object() const;
  bool is_number() const;
  std::string_view text() const;               // "" unless a string
  bool is_true() const;                        // exactly `true`
  std::optional<std::uint64_t> whole() const;  // a whole number from 0
  std::string serialized() const;              // as compact JSON; "" when it is not there
  // As a schema: a JSON value that fits it, as far as its "type" (JSON Schema's or OpenAPI's spelling),
  // "enum" and "properties" say. "{}" unless an object.
  std::string sample() const;

  JsonView operator[](std::string_view member) const;  // of an object
  JsonView operator[](std::size_t place) const;        // of an array
  std::size_t size() const;                            // of an array

 private:
  const void* value_ = nullptr;  // a boost::json::value
};

// Parses `text` and hands its root to `use` while it lives. False, and no call: it is not JSON, or nested
// deeper than 128.
bool with_json(std::string_view text, const std::function<void(JsonView)>& use);

}  // namespace batchrun::mock

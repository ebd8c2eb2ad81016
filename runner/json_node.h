// A JSON file that people write: comments and trailing commas, every value with its place, every mistake said
// with file, line and column. Everything throws UsageError.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/time.h"
#include "runner/json_place.h"

namespace batchrun {

// A value with its place. Refers to its document.
class JsonNode {
 public:
  JsonNode(const boost::json::value& value, std::string pointer, const JsonPlaces& places,
           const std::string& path)
      : value_(&value), pointer_(std::move(pointer)), places_(&places), path_(&path) {}

  std::string place() const { return in_file(places_->value(pointer_)); }  // "batchrun.json:7:9"
  std::string name_place() const { return in_file(places_->name(pointer_)); }
  const std::string& path() const { return *path_; }

  [[noreturn]] void fail(const std::string& message, const std::string& hint = "") const;

  bool is_string() const { return value_->is_string(); }
  bool is_object() const { return value_->is_object(); }
  bool is_null() const { return value_->is_null(); }
  bool has(std::string_view member) const;

  std::string text() const;
  std::string name() const;  // may be shown and compared: 1 to 128 bytes, nothing invisible
  std::vector<std::string> names() const;
  bool boolean() const;
  double number() const;
  std::int64_t whole(std::int64_t least, std::int64_t most) const;
  Duration positive_seconds() const;  // at most a year

  JsonNode operator[](std::string_view member) const;  // REQUIRES: has(member)
  std::vector<JsonNode> elements() const;
  std::vector<std::pair<std::string, JsonNode>> members() const;

  // Refuses members that are not in `known`, with the nearest of them.
  void only(const std::vector<std::string>& known) const;

 private:
  const boost::json::object& object() const;
  std::string in_file(const TextPlace& place) const;
  [[noreturn]] void wrong_kind(std::string_view wanted) const;

  const boost::json::value* value_;
  std::string pointer_;
  const JsonPlaces* places_;
  const std::string* path_;
};

class JsonDocument {
 public:
  // `path` is for messages. Refuses what is no JSON, and a name that is there twice in one object.
  JsonDocument(std::string_view text, std::string path);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;
  JsonNode root() const { return {value_, "", places_, path_}; }

 private:
  std::string path_;
  boost::json::value value_;
  JsonPlaces places_;
};

}  // namespace batchrun

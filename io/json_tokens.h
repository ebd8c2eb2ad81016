// One JSON text, checked whole, and the places of its tokens: enough to read a few members and to splice
// parts of the text elsewhere, without a copy. An object is used by one thread at a time; it keeps its memory
// from text to text.
//
// Finding the tokens is simdjson's work (its first stage, chosen for the processor at run time, which also
// checks UTF-8). The grammar is checked here: that costs half of what building a document would, leaves
// numbers of any size as they are, and knows the place of what is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace batchrun {

class JsonTokens {
 public:
  // A value of the text: the number of its first token.
  using Value = std::uint32_t;
  static constexpr Value root = 0;

  // What is wrong with a text, and at which byte (its size: something is missing at the end).
  struct Fault {
    std::size_t at = 0;
    const char* message = "";
  };

  // `max_depth`: of nested objects and arrays.
  explicit JsonTokens(std::size_t max_depth = 128);
  ~JsonTokens();
  JsonTokens(const JsonTokens&) = delete;
  JsonTokens& operator=(const JsonTokens&) = delete;

  // True: `text` is one value of RFC 8259 in UTF-8, without lone surrogates, with white space around it or
  // not. It must stay in place while its tokens are asked for. False: fault() says why, and the tokens may
  // not be used. Throws std::bad_alloc, also for a text of 4 GiB and more.
  bool scan(std::string_view text);
  const Fault& fault() const { return fault_; }

  // The value's first byte, which tells its kind: { [ " - 0..9 t f n.
  char first(Value value) const { return text_[place(value)]; }
  // Whether any string of the text holds an escape. False: inner() of each is what it stands for.
  bool has_escapes() const { return has_escapes_; }
  // At which byte of the text a token starts.
  std::size_t offset(std::uint32_t token) const { return places_[token]; }
  // The text of the value, without white space around it.
  std::string_view raw(Value value) const {
    const std::size_t start = place(value);
    return {text_.data() + start, end_of(after(value) - 1) - start};
  }
  // What is between a string's quotes, escapes as they are. REQUIRES: first() is a quote.
  std::string_view inner(Value value) const {
    const std::size_t start = place(value) + 1;
    return {text_.data() + start, end_of(value) - 1 - start};
  }
  // The token after the value's last.
  std::uint32_t after(Value value) const { return is_container(first(value)) ? after_[value] : value + 1; }
  char token(std::uint32_t number) const { return text_[place(number)]; }

 private:
  static bool is_container(char c) { return c == '{' || c == '['; }
  std::size_t place(std::uint32_t token) const { return places_[token]; }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  std::size_t end_of(std::uint32_t token) const {
    std::size_t end = places_[token + 1];
    while (static_cast<unsigned char>(text_[end - 1]) <= ' ' && is_space(text_[end - 1])) --end;
    return end;
  }
  bool find_tokens();
  void explain();
  void reserve_after(std::size_t tokens);

  struct Finder;
  const std::size_t max_depth_;
  std::unique_ptr<Finder> finder_;
  std::unique_ptr<std::uint32_t[]> after_;  // by token of an opening brace or bracket
  std::size_t after_size_ = 0;

  // Of the text at hand.
  std::string_view text_;
  const std::uint32_t* places_ = nullptr;  // of count_ tokens, then the text's size
  std::uint32_t count_ = 0;
  bool has_escapes_ = false;
  Fault fault_;
};

// The first member whose name is written so; nothing if there is none, or `object` is no object.
std::optional<JsonTokens::Value> find_member(const JsonTokens& tokens, JsonTokens::Value object,
                                             std::string_view name);

// Walks the members of an object: while (walk.next()) ... walk.name(), walk.value().
class ObjectWalk {
 public:
  ObjectWalk(const JsonTokens& tokens, JsonTokens::Value object) : tokens_(tokens), token_(object + 1) {}
  bool next() {
    if (tokens_.token(token_) == ',') ++token_;
    if (tokens_.token(token_) == '}') return false;
    name_ = token_;
    value_ = token_ + 2;
    token_ = tokens_.after(value_);
    return true;
  }
  // Without its quotes, escapes as they are.
  std::string_view name() const { return tokens_.inner(name_); }
  JsonTokens::Value name_token() const { return name_; }
  JsonTokens::Value value() const { return value_; }

 private:
  const JsonTokens& tokens_;
  std::uint32_t token_, name_ = 0;
  JsonTokens::Value value_ = 0;
};

// Walks the elements of an array: while (walk.next()) ... walk.value().
class ArrayWalk {
 public:
  ArrayWalk(const JsonTokens& tokens, JsonTokens::Value array) : tokens_(tokens), token_(array + 1) {}
  bool next() {
    if (tokens_.token(token_) == ',') ++token_;
    if (tokens_.token(token_) == ']') return false;
    value_ = token_;
    token_ = tokens_.after(value_);
    return true;
  }
  JsonTokens::Value value() const { return value_; }

 private:
  const JsonTokens& tokens_;
  std::uint32_t token_;
  JsonTokens::Value value_ = 0;
};

}  // namespace batchrun

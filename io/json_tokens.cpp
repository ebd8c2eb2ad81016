#include "io/json_tokens.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "io/utf8.h"

namespace batchrun {
namespace {

// Texts longer than this are rare, and what they need is given back after them.
constexpr std::size_t kept_capacity = 1u << 20;

constexpr const char* unclosed = "string is not closed";

bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_operator(char c) {
  return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, -1 of any other byte.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The number of a \uXXXX escape at `at`, -1 if there is none.
int unicode_escape(const char* at, const char* end) {
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  int code = 0;
  for (int i = 2; i < 6; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

const char* find_backslash(const char* at, const char* end) {
  const void* hit = std::memchr(at, '\\', static_cast<std::size_t>(end - at));
  return hit ? static_cast<const char*>(hit) : end;
}

// Checks a text's grammar from the places of its tokens.
class Grammar {
 public:
  // REQUIRES: places[count] is `size`; text[size] may be read, or the last token is the end of an object or
  // array, or the only one and no operator.
  Grammar(const char* text, std::size_t size, const std::uint32_t* places, std::uint32_t count)
      : text_(text),
        end_(text + size),
        places_(places),
        count_(count),
        backslash_(find_backslash(text, text + size)) {}

  // True: the text is one value; after[t] has been set for every opening token t. `open` has room for
  // `max_depth`.
  bool check(std::uint32_t* after, std::uint32_t* open, std::size_t max_depth);
  const JsonTokens::Fault& fault() const { return fault_; }
  bool has_backslash() const { return backslash_ != end_; }  // REQUIRES: before check()

 private:
  char at(std::uint32_t token) const { return text_[places_[token]]; }
  std::size_t end_of_token() const {
    std::size_t end = places_[token_ + 1];
    while (end > places_[token_] + 1 && is_white(text_[end - 1])) --end;
    return end;
  }
  bool fail(std::size_t place, const char* message) {
    fault_ = {place, message};
    return false;
  }
  bool fail(const char* message) { return fail(places_[token_], message); }
  [[gnu::always_inline]] inline bool name();
  [[gnu::always_inline]] inline bool scalar();
  [[gnu::always_inline]] inline bool string();
  bool escapes(const char* end);
  bool number();
  bool word(std::string_view expected);

  const char* const text_;
  const char* const end_;
  const std::uint32_t* const places_;
  const std::uint32_t count_;
  const char* backslash_;    // the next at or after the token, so that strings without one cost a comparison
  std::uint32_t token_ = 0;  // the next to be checked
  JsonTokens::Fault fault_;
};

bool Grammar::check(std::uint32_t* after, std::uint32_t* open, std::size_t max_depth) {
  std::size_t depth = 0;
  bool in_object = false;
  for (;;) {
    // A value starts at token_.
    const char c = at(token_);
    if (c == '{' || c == '[') {
      if (depth == max_depth) return fail("nested too deep");
      open[depth++] = token_++;
      in_object = c == '{';
      if (in_object && at(token_) != '}') {
        if (at(token_) != '"') return fail("expected a name in quotes or '}'");
        if (!name()) return false;
        continue;
      }
      if (!in_object && at(token_) != ']') continue;
    } else if (!scalar()) {
      return false;
    }
    // A value is complete, or the container that is open has nothing in it.
    for (;;) {
      if (depth == 0) return token_ == count_ || fail("text after the end of the value");
      const char next = token_ < count_ ? at(token_) : '\0';
      if (next == ',') break;
      if (next != (in_object ? '}' : ']'))
        return fail(in_object ? "expected ',' or '}'" : "expected ',' or ']'");
      after[open[--depth]] = ++token_;
      in_object = depth > 0 && at(open[depth - 1]) == '{';
    }
    ++token_;
    if (in_object && !name()) return false;
  }
}

// A member's name and colon.
bool Grammar::name() {
  if (at(token_) != '"') return fail("expected a name in quotes");
  if (!string()) return false;
  if (at(token_) != ':') return fail("expected ':'");
  ++token_;
  return true;
}

bool Grammar::scalar() {
  switch (at(token_)) {
    case '"':
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return number();
  }
}

bool Grammar::string() {
  const char* const start = text_ + places_[token_] + 1;
  const char* end = text_ + places_[token_ + 1] - 1;
  if (*end != '"') {
    while (end >= start && is_white(*end)) --end;
  }
  if (end < start || *end != '"') return fail(unclosed);
  ++token_;
  return backslash_ > end || escapes(end);
}

// Checks the escapes up to `end`.
bool Grammar::escapes(const char* end) {
  while (backslash_ < end) {
    const auto place = static_cast<std::size_t>(backslash_ - text_);
    if (end - backslash_ < 2) return fail(place, "unknown escape in a string");
    if (backslash_[1] == 'u') {
      const int code = unicode_escape(backslash_, end);
      if (code < 0) return fail(place, "\\u needs four hexadecimal digits");
      backslash_ += 6;
      if (code >= 0xDC00 && code < 0xE000) return fail(place, "lone surrogate in a string");
      if (code >= 0xD800 && code < 0xDC00) {
        const int low = unicode_escape(backslash_, end);
        if (low < 0xDC00 || low >= 0xE000) return fail(place, "lone surrogate in a string");
        backslash_ += 6;
      }
    } else {
      if (std::memchr("\"\\/bfnrt", backslash_[1], 8) == nullptr)
        return fail(place, "unknown escape in a string");
      backslash_ += 2;
    }
    backslash_ = find_backslash(backslash_, end_);
  }
  return true;
}

bool Grammar::number() {
  if (token_ == count_) return fail("expected a value");
  const char* at = text_ + places_[token_];
  const char* const end = text_ + end_of_token();
  const auto is = [&](char c) { return at < end && *at == c; };
  const auto digits = [&] {
    const char* const start = at;
    while (at < end && is_digit(*at)) ++at;
    return at > start;
  };
  if (*at != '-' && !is_digit(*at)) return fail("expected a value");
  if (*at == '-') ++at;
  bool good = true;
  if (is('0')) {
    ++at;
  } else {
    good = digits();
  }
  if (is('.')) {
    ++at;
    good = digits() && good;
  }
  if (is('e') || is('E')) {
    ++at;
    if (is('+') || is('-')) ++at;
    good = digits() && good;
  }
  if (!good || at != end) return fail("bad number");
  ++token_;
  return true;
}

bool Grammar::word(std::string_view expected) {
  const std::size_t start = places_[token_];
  if (std::string_view(text_ + start, end_of_token() - start) != expected) return fail("expected a value");
  ++token_;
  return true;
}

// Finds the tokens byte by byte, up to the first fault inside of one. Says what is wrong in a text that is.
class SlowFinder {
 public:
  std::vector<std::uint32_t> places;
  JsonTokens::Fault fault;  // its place is the text's size when there is none

  void find(std::string_view text) {
    fault = {text.size(), "expected a value"};
    places.clear();
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* at = begin;
    while (at < end && !has_fault(text)) {
      if (*at == '"') {
        add(begin, at);
        at = skip_string(begin, at, end);
      } else if (is_operator(*at)) {
        add(begin, at++);
      } else if (is_white(*at)) {
        ++at;
      } else {
        add(begin, at);
        at = skip_word(begin, at, end);
      }
    }
  }

 private:
  bool has_fault(std::string_view text) const { return fault.at != text.size(); }
  void add(const char* begin, const char* at) { places.push_back(static_cast<std::uint32_t>(at - begin)); }
  const char* fail(const char* begin, const char* at, const char* message) {
    fault = {static_cast<std::size_t>(at - begin), message};
    return at;
  }

  const char* skip_string(const char* begin, const char* quote, const char* end) {
    for (const char* at = quote + 1; at < end;) {
      const std::size_t length = utf8_length(at, end);
      if (length == 0) return fail(begin, at, "not valid UTF-8");
      if (static_cast<unsigned char>(*at) < 0x20) return fail(begin, at, "control character in a string");
      if (*at == '"') return at + 1;
      at += *at == '\\' && at + 1 < end && (at[1] == '"' || at[1] == '\\') ? 2 : length;
    }
    return fail(begin, quote, unclosed);
  }

  const char* skip_word(const char* begin, const char* at, const char* end) {
    while (at < end && !is_white(*at) && !is_operator(*at) && *at != '"') {
      const std::size_t length = utf8_length(at, end);
      if (length == 0) return fail(begin, at, "not valid UTF-8");
      at += length;
    }
    return at;
  }
};

}  // namespace

struct JsonTokens::Finder {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  std::vector<std::uint32_t> open;  // the grammar's stack

  void reserve(std::size_t size, std::size_t max_depth) {
    simdjson::error_code error = simdjson::SUCCESS;
    if (!stage) {
      const std::size_t capacity = std::max(size, std::size_t{4096});
      error =
          simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, max_depth, stage);
    } else if (size > stage->capacity()) {
      error = stage->set_capacity(std::max(size, std::min(2 * stage->capacity(), kept_capacity)));
    }
    if (error != simdjson::SUCCESS) throw std::bad_alloc();  // else the text would be blamed
  }
};

JsonTokens::JsonTokens(std::size_t max_depth) : max_depth_(max_depth), finder_(std::make_unique<Finder>()) {
  finder_->open.resize(max_depth);
}

JsonTokens::~JsonTokens() = default;

bool JsonTokens::scan(std::string_view text) {
  text_ = text;
  if (finder_->stage && finder_->stage->capacity() > kept_capacity && text.size() <= kept_capacity) {
    finder_->stage.reset();
    after_.reset();
    after_size_ = 0;
  }
  if (find_tokens()) {
    reserve_after(count_);
    Grammar grammar(text.data(), text.size(), places_, count_);
    has_escapes_ = grammar.has_backslash();
    if (grammar.check(after_.get(), finder_->open.data(), max_depth_)) return true;
  }
  explain();
  return false;
}

void JsonTokens::reserve_after(std::size_t tokens) {
  if (after_size_ >= tokens) return;
  after_size_ = std::max(tokens, after_size_ * 2);
  after_ = std::make_unique_for_overwrite<std::uint32_t[]>(after_size_);
}

// False: the text has a fault in its strings or its UTF-8, or it does not end where a value can.
bool JsonTokens::find_tokens() {
  finder_->reserve(text_.size(), max_depth_);
  auto& stage = *finder_->stage;
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text_.data());
  if (stage.stage1(octets, text_.size(), simdjson::stage1_mode::regular)) return false;
  places_ = stage.structural_indexes.get();
  count_ = stage.n_structural_indexes;
  if (count_ == 0 || places_[count_] != text_.size()) return false;
  // With this known, the grammar cannot run past the last token except where it looks for it.
  const char last = text_[places_[count_ - 1]];
  return last == '}' || last == ']' || (count_ == 1 && !is_operator(last));
}

// Finds out what is wrong with a text that is not good: a fault inside of a token or one of the grammar
// before it.
void JsonTokens::explain() {
  const std::string terminated(text_);
  SlowFinder slow;
  slow.find(text_);
  reserve_after(slow.places.size());
  const auto count = static_cast<std::uint32_t>(slow.places.size());
  slow.places.push_back(static_cast<std::uint32_t>(text_.size()));
  Grammar grammar(terminated.data(), terminated.size(), slow.places.data(), count);
  const bool good = grammar.check(after_.get(), finder_->open.data(), max_depth_);
  const bool lexical = slow.fault.at < text_.size();
  // To the grammar, a string with a fault inside is just not closed.
  const bool same_string = lexical && grammar.fault().message == unclosed;
  const bool lexical_first = lexical && (good || same_string || slow.fault.at <= grammar.fault().at);
  fault_ = lexical_first || good ? slow.fault : grammar.fault();
}

std::optional<JsonTokens::Value> find_member(const JsonTokens& tokens, JsonTokens::Value object,
                                             std::string_view name) {
  if (tokens.first(object) != '{') return std::nullopt;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    if (walk.name() == name) return walk.value();
  }
  return std::nullopt;
}

}  // namespace batchrun

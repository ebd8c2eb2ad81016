#include "runner/env.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "runner/settings.h"

namespace batchrun {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool is_name_start(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool is_name_char(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

class EnvFile {
 public:
  EnvFile(std::string_view text, const std::string& path) : text_(text), path_(path) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") line_start_ = at_ = 3;
  }

  Environment read() {
    while (at_ < text_.size()) read_line();
    return std::move(values_);
  }

 private:
  bool more() const { return at_ < text_.size(); }
  char here() const { return text_[at_]; }

  [[noreturn]] void fail(const std::string& message, const std::string& hint = "") const {
    throw UsageError(message, hint, fmt::format("{}:{}:{}", path_, line_, at_ - line_start_ + 1));
  }

  void next() {
    if (text_[at_++] == '\n') {
      ++line_;
      line_start_ = at_;
    }
  }

  void skip_blanks() {
    while (more() && is_blank(here())) next();
  }

  // To the start of the next line; only blanks and a comment may be in the way.
  void end_line() {
    skip_blanks();
    if (more() && here() == '#') {
      while (more() && here() != '\n') next();
    }
    if (!more()) return;
    if (here() != '\n') fail("something follows the value", "put the whole value in quotes");
    next();
  }

  void read_line() {
    skip_blanks();
    if (!more() || here() == '\n' || here() == '#') return end_line();
    std::string name = read_name();
    if (name == "export" && more() && is_blank(here())) {
      skip_blanks();
      name = read_name();
    }
    skip_blanks();
    if (!more() || here() != '=') fail("expected = after the name", "lines look like NAME=value");
    next();
    skip_blanks();
    std::string value = more() && (here() == '\'' || here() == '"') ? read_quoted(here()) : read_bare();
    if (value.find('\0') != std::string::npos) fail("a value holds a NUL byte");
    values_[name] = std::move(value);
    end_line();
  }

  std::string read_name() {
    if (!more() || !is_name_start(here())) fail("expected a name", "lines look like NAME=value");
    const std::size_t start = at_;
    while (more() && is_name_char(here())) next();
    return std::string(text_.substr(start, at_ - start));
  }

  // To the end of the line, or to a # that follows a blank.
  std::string read_bare() {
    const std::size_t start = at_;
    while (more() && here() != '\n' && !(here() == '#' && (at_ == start || is_blank(text_[at_ - 1])))) next();
    std::string_view value = text_.substr(start, at_ - start);
    while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
    return std::string(value);
  }

  std::string read_quoted(char quote) {
    const EnvFile opened = *this;
    next();
    std::string value;
    while (more() && here() != quote) {
      if (quote == '"' && here() == '\\' && at_ + 1 < text_.size()) {
        next();
        const char escaped = here();
        value += escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped == 't' ? '\t' : escaped;
      } else {
        value += here();
      }
      next();
    }
    if (!more()) opened.fail("this quote is not closed");
    next();
    return value;
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0, line_start_ = 0, line_ = 1;
  Environment values_;
};

}  // namespace

Environment process_environment() {
  Environment out;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Environment parse_env_file(std::string_view text, const std::string& path) {
  return EnvFile(text, path).read();
}

const std::string& env_value(const Environment& environment, const std::string& name) {
  static const std::string nothing;
  const auto found = environment.find(name);
  return found == environment.end() ? nothing : found->second;
}

}  // namespace batchrun

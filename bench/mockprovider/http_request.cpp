#include "bench/mockprovider/http_request.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace batchrun::mock {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Characters of a field name and of a method (RFC 9110, "token").
bool is_token(std::string_view s) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !s.empty() && std::all_of(s.begin(), s.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || marks.find(c) != marks.npos;
  });
}

bool has_control(std::string_view s) {
  return std::any_of(s.begin(), s.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7f;
  });
}

HttpParse bad(int status, const char* reason) {
  return {.state = HttpParse::State::bad, .status = status, .reason = reason};
}

// "METHOD target HTTP/1.x". Says why it is none.
std::optional<HttpParse> read_request_line(std::string_view line, HttpRequest& out) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || last == first)
    return bad(400, "the request line needs a method, a target and a version");
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(out.method)) return bad(400, "the method is malformed");
  if (out.target.empty() || out.target.front() != '/' || out.target.find(' ') != line.npos ||
      has_control(out.target)) {
    return bad(400, "the target must be a path");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return bad(505, "the version must be HTTP/1.1 or HTTP/1.0");
  out.keep_alive = version == "HTTP/1.1";
  return std::nullopt;
}

std::optional<HttpParse> read_fields(std::string_view lines, HttpRequest& out) {
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)))
      return bad(400, "a header field is malformed");
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (has_control(value)) return bad(400, "a header value holds control characters");
    out.fields.emplace_back(line.substr(0, colon), value);
  }
  return std::nullopt;
}

struct Framing {
  bool chunked = false;
  std::size_t length = 0;
};

// How the body is delimited, and what Connection and Expect ask for.
std::optional<HttpParse> read_framing(HttpRequest& out, bool http11, const HttpCaps& caps, Framing& framing) {
  if (http11 && out.count("host") != 1) return bad(400, "there must be one Host field");
  if (out.count("authorization") > 1) return bad(400, "there is more than one Authorization field");
  const std::string_view length = out.field("content-length");
  const std::string_view coding = out.field("transfer-encoding");
  if (out.count("content-length") > 1) return bad(400, "there is more than one Content-Length");
  if (!length.empty() && !coding.empty())
    return bad(400, "there are both Content-Length and Transfer-Encoding");
  if (!coding.empty()) {
    if (!same_name(coding, "chunked")) return bad(501, "the only transfer coding is chunked");
    framing.chunked = true;
  } else if (!length.empty()) {
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), framing.length);
    if (error != std::errc() || end != length.data() + length.size())
      return bad(400, "Content-Length is no number");
    if (framing.length > caps.body) return bad(413, "the body is too large");
  } else if (out.method == "POST") {
    return bad(411, "a POST needs a Content-Length or a transfer coding");
  }
  const std::string_view connection = out.field("connection");
  if (same_name(connection, "close")) out.keep_alive = false;
  if (same_name(connection, "keep-alive")) out.keep_alive = true;
  out.expects_continue = same_name(out.field("expect"), "100-continue");
  return std::nullopt;
}

// Joins the chunks of `bytes` into out.unchunked. `head` bytes came before.
HttpParse read_chunks(std::string_view bytes, std::size_t head, const HttpCaps& caps, HttpRequest& out) {
  const HttpParse more{.size = head + bytes.size() + 1, .head_read = true};
  std::size_t at = 0;
  for (;;) {
    const std::size_t line_end = bytes.find("\r\n", at);
    if (line_end == bytes.npos)
      return bytes.size() - at > 1024 ? bad(400, "a chunk size line is too long") : more;
    std::size_t size = 0;
    const char* first = bytes.data() + at;
    const auto [end, error] = std::from_chars(first, bytes.data() + line_end, size, 16);
    if (error != std::errc() || (end != bytes.data() + line_end && *end != ';'))
      return bad(400, "bad chunk size");
    if (size > caps.body || out.unchunked.size() + size > caps.body) return bad(413, "the body is too large");
    at = line_end + 2;
    if (size == 0) break;
    if (bytes.size() < at + size + 2) return more;
    if (bytes.substr(at + size, 2) != "\r\n") return bad(400, "a chunk does not end where its size says");
    out.unchunked.append(bytes.substr(at, size));
    at += size + 2;
  }
  // Trailer fields are read over up to the blank line.
  for (;;) {
    const std::size_t line_end = bytes.find("\r\n", at);
    if (line_end == bytes.npos)
      return bytes.size() - at > caps.head ? bad(431, "the trailer is too large") : more;
    const bool blank = line_end == at;
    at = line_end + 2;
    if (blank) break;
  }
  out.body = out.unchunked;
  return {.state = HttpParse::State::complete, .size = head + at};
}

}  // namespace

std::string_view HttpRequest::path() const {
  return target.substr(0, target.find('?'));
}

std::vector<std::pair<std::string_view, std::string_view>> HttpRequest::query_members() const {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == target.npos ? std::string_view{} : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view member = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), member.size() + 1));
    const std::size_t equals = member.find('=');
    if (equals != member.npos) members.emplace_back(member.substr(0, equals), member.substr(equals + 1));
  }
  return members;
}

std::string_view HttpRequest::query(std::string_view name) const {
  for (const auto& [n, value] : query_members()) {
    if (n == name) return value;
  }
  return {};
}

std::string_view HttpRequest::field(std::string_view name) const {
  for (const auto& [n, value] : fields) {
    if (same_name(n, name)) return value;
  }
  return {};
}

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& f) { return same_name(f.first, name); }));
}

HttpParse parse_http_request(std::string_view bytes, HttpRequest& out, const HttpCaps& caps) {
  const std::size_t blank = bytes.find("\r\n\r\n");
  if (blank == bytes.npos) {
    if (bytes.size() > caps.head) return bad(431, "the header is too large");
    return {.size = bytes.size() + 1};
  }
  if (blank > caps.head) return bad(431, "the header is too large");
  out.fields.clear();
  out.unchunked.clear();
  out.body = {};
  const std::size_t head = blank + 4;
  const std::size_t line_end = bytes.find("\r\n");
  if (auto refused = read_request_line(bytes.substr(0, line_end), out)) return *refused;
  const bool http11 = out.keep_alive;
  if (auto refused = read_fields(bytes.substr(line_end + 2, head - 4 - line_end), out)) return *refused;
  Framing framing;
  if (auto refused = read_framing(out, http11, caps, framing)) return *refused;
  if (framing.chunked) return read_chunks(bytes.substr(head), head, caps, out);
  if (bytes.size() < head + framing.length) return {.size = head + framing.length, .head_read = true};
  out.body = bytes.substr(head, framing.length);
  return {.state = HttpParse::State::complete, .size = head + framing.length};
}

}  // namespace batchrun::mock

// HTTP/1.1 requests out of bytes. Pure and strict: a request that a careful server would refuse is refused
// here, so that a client's mistake shows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace batchrun::mock {

// The views are into the bytes parsed, except `body` of a chunked request, which is in `unchunked`.
struct HttpRequest {
  std::string_view method, target;  // target as sent, query included
  std::string_view body;
  bool keep_alive = true;
  bool expects_continue = false;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::string unchunked;

  std::string_view path() const;                        // target up to '?'
  std::string_view query(std::string_view name) const;  // raw value of a query member; empty when absent
  std::vector<std::pair<std::string_view, std::string_view>> query_members() const;  // all, raw, in order
  std::string_view field(
      std::string_view name) const;                // first field of that name, any case; empty when absent
  std::size_t count(std::string_view name) const;  // how many fields have that name
};

struct HttpCaps {
  std::size_t head = 64u << 10;
  std::size_t body = 64u << 20;
};

struct HttpParse {
  enum class State { need_more, complete, bad } state = State::need_more;
  std::size_t size = 0;    // complete: bytes of the request; need_more: do not ask again with fewer than this
  bool head_read = false;  // need_more: the head is whole (and `expects_continue` is known)
  int status = 400;        // bad: what to answer
  const char* reason = "";  // bad: why, a sentence
};

// Parses the first request in `bytes`.
HttpParse parse_http_request(std::string_view bytes, HttpRequest& out, const HttpCaps& caps = {});

}  // namespace batchrun::mock

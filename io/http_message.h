// A request and a reply's head as plain values, and who listens to a reply. No library's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/time.h"

namespace batchrun {

// Where requests go: scheme, host and port of one base URL, and how its certificate is judged.
struct Origin {
  bool tls = true;
  std::string host;  // name or address, without brackets; also SNI and the name the certificate must have
  std::uint16_t port = 443;
  std::string ca_file;            // PEM file to trust instead of the system's; empty = the system's
  std::string authority() const;  // host[:port] as the Host header wants it
  void append_authority(std::string& out) const;
  std::string url() const;  // https://host[:port], without a path
};

// One HTTP/1.1 request, ready for the wire. `head` holds the credential: never log it.
struct Request {
  const Origin* origin = nullptr;  // outlives the request
  std::string head;                // request line to the blank line, both included
  std::string body;
};

// Status line and header fields of a reply. The views are into `text` and die with it.
class ResponseHead {
 public:
  int status = 0;
  std::int64_t began = 0;  // when it came, in seconds since 1970; 0: nobody says

  // Adds a field. Names are compared without case.
  void add(std::string_view name, std::string_view value);
  // The first field of that name; empty when absent.
  std::string_view field(std::string_view name) const;
  std::size_t size() const { return fields_.size(); }

 private:
  struct Field {
    std::uint32_t name, name_size, value, value_size;  // places in text_
  };
  std::string text_;
  std::vector<Field> fields_;
};

// What the listener wants next.
enum class Flow : std::uint8_t {
  awaiting,   // go on; nothing of substance has come yet (the first-chunk deadline holds)
  committed,  // go on; content has come (the idle deadline holds)
  finished,   // go on; the answer is whole but for its end mark or what it used (the trailing deadline holds,
              //   and at its end the exchange has ended well)
  done,       // the reply is complete for the listener, whatever else the server would send
  stop,       // the listener has found a fault; it knows which
};

// Gets a reply as it comes, cut at any byte. Called from one thread, never after done or stop.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual Flow on_head(ResponseHead head) = 0;
  virtual Flow on_body(std::string_view octets) = 0;
};

}  // namespace batchrun

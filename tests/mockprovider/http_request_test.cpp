#include "bench/mockprovider/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace batchrun::mock {
namespace {

const std::string plain =
    "POST /v1/chat/completions?a=1&b=two HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: "
    "5\r\n\r\nhello";
const std::string chunked =
    "POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nt: "
    "1\r\n\r\n";

TEST(HttpRequest, IsReadWithItsParts) {
  HttpRequest request;
  const std::string bytes = plain + "GET /next";
  const HttpParse parse = parse_http_request(bytes, request);
  ASSERT_EQ(parse.state, HttpParse::State::complete);
  EXPECT_EQ(parse.size, plain.size());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path(), "/v1/chat/completions");
  EXPECT_EQ(request.query("b"), "two");
  EXPECT_EQ(request.query("c"), "");
  EXPECT_EQ(request.field("AUTHORIZATION"), "Bearer k");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(request.keep_alive);
}

TEST(HttpRequest, IsTheSameWhereverItIsCut) {
  for (const std::string& text : {plain, chunked}) {
    HttpRequest request;
    std::size_t needed = 0;
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      const HttpParse parse = parse_http_request(std::string_view(text).substr(0, cut), request);
      ASSERT_EQ(parse.state, HttpParse::State::need_more) << cut;
      EXPECT_GT(parse.size, cut);
      EXPECT_LE(parse.size, text.size()) << "asks for more than there is";
      EXPECT_GE(parse.size, needed);
      needed = parse.size;
    }
    ASSERT_EQ(parse_http_request(text, request).state, HttpParse::State::complete);
    EXPECT_EQ(request.body, "hello");
  }
}

TEST(HttpRequest, WhatACarefulServerRefusesIsRefused) {
  const struct {
    const char* text;
    int status;
  } cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},                                    // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},              // two
      {"GET /\r\nHost: a\r\n\r\n", 400},                                  // no version
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},                         //
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},                 // absolute form
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},                       // space in the target
      {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},                         //
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},                        // space before the colon
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},              //
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\nb: c\r\n\r\n", 400},           // a bare LF smuggles a field
      {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411},                        //
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},  //
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n", 400},  //
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400},
  };
  for (const auto& c : cases) {
    HttpRequest request;
    const HttpParse parse = parse_http_request(c.text, request);
    EXPECT_EQ(parse.state, HttpParse::State::bad) << c.text;
    EXPECT_EQ(parse.status, c.status) << c.text;
  }
}

TEST(HttpRequest, CapsHold) {
  HttpRequest request;
  const HttpCaps caps{.head = 100, .body = 10};
  EXPECT_EQ(parse_http_request(std::string(101, 'x'), request, caps).status, 431);
  EXPECT_EQ(
      parse_http_request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", request, caps).status,
      413);
  EXPECT_EQ(parse_http_request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n",
                               request, caps)
                .status,
            413);
}

TEST(HttpRequest, ConnectionAndExpectAreSeen) {
  HttpRequest request;
  parse_http_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", request);
  EXPECT_FALSE(request.keep_alive);
  parse_http_request("GET / HTTP/1.0\r\n\r\n", request);
  EXPECT_FALSE(request.keep_alive);
  const HttpParse parse = parse_http_request(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", request);
  EXPECT_EQ(parse.state, HttpParse::State::need_more);
  EXPECT_TRUE(parse.head_read);
  EXPECT_TRUE(request.expects_continue);
}

TEST(HttpRequest, QueryMembersKeepTheirOrder) {
  HttpRequest request;
  request.target = "/search?q=a%20b&num=3&q=second&flag&empty=";
  const auto members = request.query_members();
  ASSERT_EQ(members.size(), 4u) << "what has no value is left out";
  EXPECT_EQ(members[0].first, "q");
  EXPECT_EQ(members[0].second, "a%20b");
  EXPECT_EQ(members[3].first, "empty");
  EXPECT_EQ(request.query("q"), "a%20b") << "the first";
  EXPECT_EQ(request.query("none"), "");
  request.target = "/search";
  EXPECT_TRUE(request.query_members().empty());
}

}  // namespace
}  // namespace batchrun::mock

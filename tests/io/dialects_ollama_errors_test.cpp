#include "io/dialects/ollama_errors.h"

#include <gtest/gtest.h>

#include "tests/support/reply_head.h"

namespace batchrun {
namespace {

using enum FaultKind;

TEST(OllamaErrors, EveryReplyHasItsKind) {
  struct Case {
    int status;
    std::string_view body;
    FaultKind kind;
    std::string_view in_message;
  };
  for (const Case& one : {
           Case{400, R"({"error":"invalid options: num_ctx"})", bad_request, "num_ctx"},
           Case{400, R"({"error":"registry.ollama.ai/library/x does not support tools"})", bad_request,
                "tools"},
           Case{400, R"({"error":"model \"x\" not found in the request"})", bad_request, "not found"},
           Case{401, R"({"error":"unauthorized","signin_url":"https://ollama.com/connect?name=x"})",
                unauthorized, "unauthorized"},
           Case{403, R"({"error":"forbidden"})", unauthorized, "forbidden"},
           Case{404, R"({"error":"model \"x\" not found, try pulling it first"})", model_unavailable,
                "pulling"},
           Case{404, "404 page not found", bad_request, "404 page"},
           Case{404, R"({"error":"path not found"})", bad_request, "path"},
           Case{405, "405 method not allowed", bad_request, "405"},
           Case{429, R"({"error":"too many requests"})", rate_limited, "too many"},
           Case{499, "", server_error, ""},
           Case{500, R"({"error":"llama runner process has terminated"})", server_error, "runner"},
           Case{500, R"({"error":"model file not found"})", server_error, "not found"},
           Case{502, R"({"error":"upstream"})", server_error, "upstream"},
           Case{502, "<html><title>502 Bad Gateway</title>", server_error, "502 Bad Gateway"},
           Case{503, R"({"error":"server busy, please try again.  maximum pending requests exceeded"})",
                overloaded, "server busy, please try again. maximum"},
           Case{503, "", overloaded, "HTTP 503"},
           Case{500, R"({"err)", server_error, "HTTP 500"},
           Case{200, R"({"error":"broke"})", server_error, "broke"},
           Case{200, R"({"error":"model \"x\" not found"})", model_unavailable, "not found"},
       }) {
    const Fault fault = ollama_fault(reply_head(one.status), one.body);
    EXPECT_EQ(name(fault.kind), name(one.kind)) << one.status << " " << one.body;
    EXPECT_EQ(fault.status, one.status);
    EXPECT_NE(fault.message.find(one.in_message), std::string::npos) << fault.message;
  }
}

TEST(OllamaErrors, ALineHasOnlyItsText) {
  EXPECT_EQ(ollama_line_fault(R"({"error":"server busy, please try again."})").kind, overloaded);
  EXPECT_EQ(ollama_line_fault(R"({"error":"unexpected EOF"})").kind, server_error);
  EXPECT_EQ(ollama_line_fault(R"({"error":"model \"x\" not found"})").kind, model_unavailable);
  EXPECT_EQ(ollama_line_fault(R"({"error":"unexpected EOF"})").status, 0);
}

TEST(OllamaErrors, WaitsAsLongAsTheCloudSays) {
  EXPECT_EQ(ollama_fault(reply_head(429, {{"retry-after", "3"}}), "").retry_after,
            Duration(std::chrono::seconds(3)));
}

}  // namespace
}  // namespace batchrun

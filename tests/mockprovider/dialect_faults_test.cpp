// Every fault of a stream in every shape of a stream: what is missing is missing, what is an error looks like
// one, and what is legal leaves the answer whole.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/reply_draft.h"
#include "bench/mockprovider/wire_reply.h"
#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {
namespace {

namespace json = boost::json;

struct Shape {
  const char* name;
  SpeakingOf about;
  const Dialect& dialect;
  std::string body;
  const char* finish;  // what only the finish says
  const char* end;     // the last words of a whole body; "" = there is no end mark
  const char* error;   // what only an error says; "" = it says nothing
};

std::vector<Shape> shapes() {
  const std::string chat =
      R"({"model":"m","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"[[mark]] x"}]})";
  const std::string gemini = R"({"contents":[{"parts":[{"text":"[[mark]] x"}]}]})";
  const std::string sse = "/v1beta/models/g:streamGenerateContent?alt=sse";
  const Scenario long_answer{.answer_tokens = 10};
  const auto openai_like = [&](const char* name, Flavour flavour, const char* error) {
    return Shape{name,
                 {.endpoint = openai_chat(), .flavour = flavour, .scenario = long_answer},
                 dialect_of(flavour),
                 chat,
                 R"("finish_reason":"stop")",
                 "data: [DONE]\n\n",
                 error};
  };
  return {
      openai_like("openai", Flavour::openai, R"("error":{)"),
      openai_like("groq", Flavour::groq, R"("error":{)"),
      openai_like("cerebras", Flavour::cerebras, R"("status_code":500)"),
      openai_like("azure", Flavour::azure, R"("error":{)"),
      openai_like("openrouter", Flavour::openrouter, R"("finish_reason":"error")"),
      openai_like("vllm", Flavour::vllm, R"("error":{)"),
      openai_like("ollama /v1", Flavour::ollama, ""),
      {"responses",
       {.endpoint = openai_responses(), .scenario = long_answer},
       openai_dialect(),
       R"({"model":"m","stream":true,"max_output_tokens":50,"input":"[[mark]] x"})",
       R"("status":"completed","error")",
       "",
       "event: error\n"},
      {"anthropic",
       {.endpoint = anthropic_messages(),
        .flavour = Flavour::anthropic,
        .scenario = long_answer,
        .fields = {{"anthropic-version", "2023-06-01"}}},
       anthropic_dialect(),
       chat,
       R"("stop_reason":"end_turn")",
       "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
       "event: error\n"},
      {"gemini",
       {.endpoint = gemini_content(),
        .flavour = Flavour::gemini,
        .scenario = long_answer,
        .path = sse,
        .model_in_path = "g"},
       gemini_dialect(),
       gemini,
       R"("finishReason":"STOP")",
       "",
       R"("error":{"code":500)"},
      {"gemini array",
       {.endpoint = gemini_content(),
        .flavour = Flavour::gemini,
        .scenario = long_answer,
        .path = "/v1beta/models/g:streamGenerateContent",
        .model_in_path = "g"},
       gemini_dialect(),
       gemini,
       R"("finishReason":"STOP")",
       "]",
       R"("error":{"code":500)"},
      {"ollama",
       {.endpoint = ollama_chat(), .flavour = Flavour::ollama, .scenario = long_answer},
       ollama_dialect(),
       chat,
       R"("done":true)",
       "",
       R"({"error":")"},
  };
}

// The body of the reply with a fault of the events.
std::string body_with(const Shape& shape, const FaultRule& rule) {
  ReplyDraft draft;
  draft.streamed = true;
  draft.events = speak(shape.about, shape.body).events;
  spoil_events(draft, rule, {}, shape.about.endpoint, shape.dialect);
  WireReply out;
  const FaultRule unframed{.kind = FaultKind::http10_close};
  write_reply(out, draft, &unframed, nullptr, true);
  return out.bytes.substr(out.bytes.find("\r\n\r\n") + 4);
}

std::string whole(const Shape& shape) {
  return body_with(shape, {.kind = FaultKind::http10_close});
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

TEST(DialectFaults, AWholeStreamHasFinishAndEnd) {
  for (const Shape& shape : shapes()) {
    const std::string text = whole(shape);
    EXPECT_TRUE(has(text, "mark")) << shape.name;
    EXPECT_TRUE(has(text, shape.finish)) << shape.name << text;
    EXPECT_TRUE(text.ends_with(shape.end)) << shape.name;
    if (*shape.error) {
      EXPECT_FALSE(has(text, shape.error)) << shape.name;
    }
  }
}

TEST(DialectFaults, ErrorsComeWhereTheyAreToldAndNothingGoodAfter) {
  for (const Shape& shape : shapes()) {
    for (const FaultKind kind : {FaultKind::error_first_event, FaultKind::error_mid_stream}) {
      const std::string text = body_with(shape, {.kind = kind, .after_chunks = 2});
      EXPECT_EQ(has(text, "mark"), kind == FaultKind::error_mid_stream) << shape.name;
      EXPECT_TRUE(has(text, shape.error)) << shape.name << text;
      EXPECT_FALSE(has(text, shape.finish)) << shape.name;
    }
  }
}

TEST(DialectFaults, ACutStreamHasNeitherFinishNorEnd) {
  for (const Shape& shape : shapes()) {
    const std::string text = body_with(shape, {.kind = FaultKind::eof_without_done, .after_chunks = 2});
    EXPECT_TRUE(has(text, "mark")) << shape.name;
    EXPECT_FALSE(has(text, shape.finish)) << shape.name;
    EXPECT_TRUE(*shape.end == '\0' || !text.ends_with(shape.end)) << shape.name;
    EXPECT_TRUE(whole(shape).starts_with(text)) << shape.name;
  }
}

TEST(DialectFaults, EndWithoutFinishAndFinishWithoutEnd) {
  for (const Shape& shape : shapes()) {
    const std::string no_finish = body_with(shape, {.kind = FaultKind::done_without_finish});
    EXPECT_FALSE(has(no_finish, shape.finish)) << shape.name;
    EXPECT_TRUE(no_finish.ends_with(shape.end)) << shape.name;
    const std::string no_end = body_with(shape, {.kind = FaultKind::finish_without_done});
    EXPECT_TRUE(has(no_end, shape.finish)) << shape.name;
    const bool mark = std::string_view(shape.end).ends_with("\n\n");
    EXPECT_EQ(no_end != whole(shape), mark) << shape.name << ": what has no mark of its own cannot miss it";
  }
}

TEST(DialectFaults, OnlyWhereTheMarkIsNeededIsItsLackAFault) {
  for (const Shape& shape : shapes()) {
    const StreamForm form = speak(shape.about, shape.body).events.form;
    for (const FaultKind kind : {FaultKind::finish_without_done, FaultKind::finish_keeps_open})
      EXPECT_EQ(leaves_answer_whole({.kind = kind}, form.end_mark_needed),
                std::string_view(shape.name) != "anthropic")
          << shape.name;
  }
}

TEST(DialectFaults, SpoiledEventsAreSpoiledInEveryShape) {
  for (const Shape& shape : shapes()) {
    const std::string good = whole(shape);
    EXPECT_TRUE(has(body_with(shape, {.kind = FaultKind::invalid_utf8_event}), "\xff\xc3")) << shape.name;
    EXPECT_GE(body_with(shape, {.kind = FaultKind::huge_event, .bytes = 5000}).size(), good.size() + 5000)
        << shape.name;
    EXPECT_GT(body_with(shape, {.kind = FaultKind::deep_nesting_event}).size(), good.size() + 190'000)
        << shape.name;
    EXPECT_LT(body_with(shape, {.kind = FaultKind::malformed_json_event}).size(), good.size()) << shape.name;
  }
}

TEST(DialectFaults, PlainBodiesAreSpoiledToo) {
  for (const Shape& shape : shapes()) {
    for (const FaultKind kind :
         {FaultKind::malformed_json_event, FaultKind::invalid_utf8_event, FaultKind::deep_nesting_event}) {
      ReplyDraft draft;
      draft.body = speak(shape.about, shape.body).plain;
      const std::string good = draft.body;
      spoil_events(draft, {.kind = kind}, {}, shape.about.endpoint, shape.dialect);
      json::error_code ec;
      json::parse(draft.body, ec);
      EXPECT_TRUE(ec) << shape.name << name(kind);
      if (kind == FaultKind::deep_nesting_event) {
        const std::string member(shape.about.endpoint.plain_member());
        EXPECT_TRUE(json::parse(good).as_object().contains(member))
            << shape.name << ": a reply has no " << member;
      }
    }
  }
}

TEST(DialectFaults, NestingReplacesAMemberThatHoldsContent) {
  for (const Shape& shape : shapes()) {
    const StreamEvents events = speak(shape.about, shape.body).events;
    EXPECT_TRUE(
        has(events.data[events.first_content + 1], "\"" + std::string(events.form.content_member) + "\":"))
        << shape.name;
  }
}

TEST(DialectFaults, LegalFormsOfAStreamChangeNoData) {
  for (const Shape& shape : shapes()) {
    const std::size_t good = whole(shape).size();
    for (const FaultKind kind :
         {FaultKind::crlf, FaultKind::comments, FaultKind::multi_line_data, FaultKind::no_final_blank_line}) {
      const std::string text = body_with(shape, {.kind = kind});
      EXPECT_TRUE(has(text, shape.finish)) << shape.name << name(kind);
      if (kind == FaultKind::no_final_blank_line) {
        EXPECT_LE(text.size(), good);
      }
    }
  }
}

}  // namespace
}  // namespace batchrun::mock

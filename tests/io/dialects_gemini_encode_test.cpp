#include "io/dialects/gemini_encode.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

const Credential credential("AIza-test");

Endpoint endpoint(std::string_view base_path = "") {
  Endpoint result;
  result.origin.host = "generativelanguage.googleapis.com";
  result.base_path = base_path;
  return result;
}

RowPtr row_of(const std::string& line) {
  auto row = parse_row(line, 1);
  EXPECT_TRUE(std::holds_alternative<RowPtr>(row)) << line;
  return std::move(std::get<RowPtr>(row));
}

std::string minified(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  EXPECT_EQ(parser.parse(json.data(), json.size()).get(element), simdjson::SUCCESS) << json;
  return simdjson::minify(element);
}

std::string body_of(const std::string& line, bool stream = false) {
  static const Endpoint where = endpoint();
  const RowPtr row = row_of(line);
  return minified(encode_gemini(*row, "gemini-2.5-flash", stream, where, credential).body);
}

// A chat row with these members, but for its message.
std::string body_with(const std::string& members) {
  return body_of(R"({"messages":[{"role":"user","content":"hi"}],)" + members + "}");
}

const std::string hi = R"("contents":[{"role":"user","parts":[{"text":"hi"}]}])";

TEST(GeminiEncode, TurnsMessagesIntoContents) {
  EXPECT_EQ(body_of(R"({"messages":[
        {"role":"system","content":"Be \"terse\"."},{"role":"developer","content":[{"type":"text","text":"Be kind."}]},
        {"role":"user","content":[{"type":"text","text":"What is\u0020this?"},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO/+=="}}]},
        {"role":"assistant","content":"A cat."},{"role":"user","content":"Sure?"}]})"),
            minified(R"({"contents":[
        {"role":"user","parts":[{"text":"What is this?"},{"inlineData":{"mimeType":"image/png","data":"iVBO/+=="}}]},
        {"role":"model","parts":[{"text":"A cat."}]},{"role":"user","parts":[{"text":"Sure?"}]}],
        "systemInstruction":{"parts":[{"text":"Be \"terse\"."},{"text":"Be kind."}]}})"));
}

TEST(GeminiEncode, TurnsAPromptIntoContents) {
  EXPECT_EQ(
      body_of(
          R"({"id":"r1","prompt":"Say \"h\u00e9\"\n","system":"Be terse.","max_tokens":64,"tags":["x"],"metadata":{"a":1}})"),
      minified(
          R"({"contents":[{"role":"user","parts":[{"text":"Say \"hé\"\n"}]}],"systemInstruction":{"parts":[{"text":"Be terse."}]},
             "generationConfig":{"maxOutputTokens":64}})"));
}

TEST(GeminiEncode, SaysEveryParameterItHonours) {
  const std::pair<const char*, const char*> table[] = {
      {R"("max_tokens":64)", R"("maxOutputTokens":64)"},
      {R"("max_tokens":64,"max_completion_tokens":32)", R"("maxOutputTokens":32)"},
      {R"("temperature":1.50)", R"("temperature":1.50)"},
      {R"("top_p":0.9,"top_k":40)", R"("topP":0.9,"topK":40)"},
      {R"("seed":7,"n":2)", R"("seed":7,"candidateCount":2)"},
      {R"("stop":"END")", R"("stopSequences":["END"])"},
      {R"("stop":["a","b\n","c","d","e"])", R"("stopSequences":["a","b\n","c","d","e"])"},
      {R"("response_format":{"type":"json_object"})", R"("responseMimeType":"application/json")"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object","additionalProperties":false}}})",
       R"("responseMimeType":"application/json","responseJsonSchema":{"type":"object","additionalProperties":false})"},
  };
  for (const auto& [asked, said] : table) {
    EXPECT_EQ(body_with(asked), minified("{" + hi + ",\"generationConfig\":{" + said + "}}")) << asked;
    const RowPtr row = row_of(std::string(R"({"messages":[{"role":"user","content":"hi"}],)") + asked + "}");
    EXPECT_TRUE(row->needs.without(gemini_honours()).empty()) << asked;
  }
  for (const char* nothing :
       {R"("stream":true)", R"("stop":[])", R"("temperature":null)", R"("response_format":{"type":"text"})",
        R"("tool_choice":"auto")", R"("presence_penalty":0,"frequency_penalty":0.0)"})
    EXPECT_EQ(body_with(nothing), minified("{" + hi + "}")) << nothing;
}

TEST(GeminiEncode, LeavesRowsToOthersThatItCannotHonour) {
  for (const char* asked :
       {R"("reasoning_effort":"low")", R"("logprobs":true)", R"("logit_bias":{"1":1})", R"("min_p":0.1)",
        R"("parallel_tool_calls":false)", R"("user":"u")", R"("service_tier":"flex")",
        R"("stop":["1","2","3","4","5","6"])", R"("functions":[{}])", R"("verbosity":"low")",
        R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])", R"("unheard_of":1)",
        R"("repetition_penalty":1.1)", R"("presence_penalty":0.5)", R"("frequency_penalty":-0.5)"}) {
    const RowPtr row = row_of(std::string(R"({"messages":[{"role":"user","content":"hi"}],)") + asked + "}");
    EXPECT_FALSE(row->needs.without(gemini_honours()).empty()) << asked;
  }
  const RowPtr image = row_of(
      R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]})");
  EXPECT_FALSE(image->needs.without(gemini_honours()).empty());
}

TEST(GeminiEncode, DeclaresToolsAndTheirChoice) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}},)"
      R"({"type":"function","function":{"name":"g"}}])";
  const std::string declared =
      R"("tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{"a":{"type":"string"}}}},{"name":"g"}]}])";
  const std::pair<const char*, const char*> table[] = {
      {"", ""},
      {R"(,"tool_choice":"auto")", ""},
      {R"(,"tool_choice":"none")", R"(,"toolConfig":{"functionCallingConfig":{"mode":"NONE"}})"},
      {R"(,"tool_choice":"required")", R"(,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}})"},
      {R"(,"tool_choice":{"type":"function","function":{"name":"g"}})",
       R"(,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}})"},
  };
  for (const auto& [asked, said] : table)
    EXPECT_EQ(body_with(tools + asked), minified("{" + hi + "," + declared + said + "}")) << asked;
}

TEST(GeminiEncode, AnswersCallsByTheNameOfTheCall) {
  EXPECT_EQ(body_of(R"({"messages":[{"role":"user","content":"hi"},
        {"role":"assistant","content":null,"tool_calls":[
          {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": [1, \"\\n\"]}"}},
          {"id":"c\u0032","type":"function","function":{"name":"g","arguments":""}},
          {"id":"c3","type":"function","function":{"name":"h","arguments":"not json"}}]},
        {"role":"tool","tool_call_id":"c2","content":"two"},{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"o"},{"type":"text","text":"ne"}]},
        {"role":"assistant","content":"again","tool_calls":[{"id":"c1","type":"function","function":{"name":"k","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c1","content":"{\"x\":1}"},{"role":"tool","tool_call_id":"c9","content":""}]})"),
            minified(R"({"contents":[{"role":"user","parts":[{"text":"hi"}]},
        {"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":[1,"\n"]}}},{"functionCall":{"name":"g","args":{}}},
          {"functionCall":{"name":"h","args":{"arguments":"not json"}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"g","response":{"output":"two"}}},{"functionResponse":{"name":"f","response":{"output":"one"}}}]},
        {"role":"model","parts":[{"text":"again"},{"functionCall":{"name":"k","args":{}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"k","response":{"output":"{\"x\":1}"}}},{"functionResponse":{"name":"c9","response":{"output":""}}}]}]})"));
}

TEST(GeminiEncode, AnImageOfAToolFollowsItsAnswer) {
  EXPECT_EQ(body_of(R"({"messages":[
        {"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c1","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"type":"text","text":"see"}]}]})"),
            minified(R"({"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"see"}}},{"inlineData":{"mimeType":"image/png","data":"AA"}}]}]})"));
}

TEST(GeminiEncode, SendsANativeBodyAsItCame) {
  const std::string line =
      R"({"custom_id":"r1","method":"POST","url":"/v1beta/models/gemini-2.5-flash:generateContent",)"
      R"("body":{"contents": [{"parts":[{"text":"h\u00e9"}]}], "model":"gemini-2.5-flash","stream":true,"generationConfig":{"temperature":0.20}}})";
  const Endpoint where = endpoint();
  const RowPtr row = row_of(line);
  EXPECT_EQ(encode_gemini(*row, "m", false, where, credential).body,
            R"({"contents":[{"parts":[{"text":"h\u00e9"}]}],"generationConfig":{"temperature":0.20}})");
  const RowPtr empty = row_of(R"({"url":"/v1beta/models/m:generateContent","body":{}})");
  EXPECT_EQ(encode_gemini(*empty, "m", false, where, credential).body, "{}");
}

std::string first_line(const Request& request) {
  return request.head.substr(0, request.head.find("\r\n"));
}

TEST(GeminiEncode, PutsTheModelIntoThePath) {
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  struct Case {
    const char *base_path, *model;
    bool stream;
    const char* line;
  };
  const Case table[] = {
      {"", "gemini-2.5-flash", false, "/v1beta/models/gemini-2.5-flash:generateContent"},
      {"", "gemini-2.5-flash", true, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"},
      {"/v1beta", "m", false, "/v1beta/models/m:generateContent"},
      {"/v1", "m", false, "/v1/models/m:generateContent"},
      {"/proxy", "m", false, "/proxy/v1beta/models/m:generateContent"},
      {"", "models/m_1.0", false, "/v1beta/models/m_1.0:generateContent"},
      {"", "../x?key=1#\r\nHost: y", false,
       "/v1beta/models/..%2Fx%3Fkey%3D1%23%0D%0AHost%3A%20y:generateContent"},
  };
  for (const Case& one : table) {
    const Endpoint where = endpoint(one.base_path);
    EXPECT_EQ(first_line(encode_gemini(*row, one.model, one.stream, where, credential)),
              std::string("POST ") + one.line + " HTTP/1.1");
  }
}

TEST(GeminiEncode, SendsTheKeyInItsField) {
  const RowPtr row = row_of(R"({"prompt":"hi"})");
  const Endpoint where = endpoint();
  const Request request = encode_gemini(*row, "m", true, where, credential);
  EXPECT_EQ(request.head,
            "POST /v1beta/models/m:streamGenerateContent?alt=sse HTTP/1.1\r\nHost: "
            "generativelanguage.googleapis.com\r\n"
            "User-Agent: batchrun/0.1\r\nAccept: text/event-stream, application/json\r\nAccept-Encoding: "
            "identity\r\n"
            "Content-Type: application/json\r\nContent-Length: " +
                std::to_string(request.body.size()) + "\r\nx-goog-api-key: AIza-test\r\n\r\n");
  EXPECT_EQ(request.body.find("AIza"), std::string::npos);
  const Request probe = encode_gemini_probe(where, credential);
  EXPECT_EQ(first_line(probe), "GET /v1beta/models?pageSize=1 HTTP/1.1");
  EXPECT_NE(probe.head.find("x-goog-api-key: AIza-test\r\n"), std::string::npos);
  EXPECT_EQ(probe.body, "");
}

}  // namespace
}  // namespace batchrun

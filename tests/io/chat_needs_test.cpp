// Rows in, features out: by way of the parser, as they come in a run.
#include "io/chat_needs.h"

#include <gtest/gtest.h>

#include "io/row_reader.h"

namespace batchrun {
namespace {

std::string shown_features(FeatureSet set) {
  std::string text;
  for (int i = 0; i < features; ++i) {
    if (!set.has(static_cast<Feature>(i))) continue;
    if (!text.empty()) text += ", ";
    text += name(static_cast<Feature>(i));
  }
  return text;
}

std::string needs_of(const std::string& line) {
  auto row = parse_row(line, 1);
  if (!std::holds_alternative<RowPtr>(row)) return "refused: " + std::get<RowError>(row).message;
  return shown_features(std::get<RowPtr>(row)->needs);
}

std::string needs_of_member(const std::string& member) {
  const std::string bare = needs_of(R"({"messages":[{"role":"user","content":"x"}],)" + member + "}");
  const std::string prompt = needs_of(R"({"prompt":"x",)" + member + "}");
  EXPECT_EQ(bare, prompt) << member;
  return bare;
}

TEST(ChatNeeds, AreReadFromParameters) {
  struct Case {
    const char* member;
    const char* needs;
  };
  const Case table[] = {
      {R"("max_tokens":5)", ""},
      {R"("stream":true,"stream_options":{"include_usage":true})", ""},
      {R"("temperature":0)", "temperature"},
      {R"("temperature":1)", "temperature"},
      {R"("temperature":1.5)", "temperature, temperature above 1"},
      {R"("temperature":null)", ""},
      {R"("top_p":0.9)", "top_p"},
      {R"("top_k":4)", "top_k"},
      {R"("n":1)", ""},
      {R"("n":2)", "n above 1"},
      {R"("seed":7)", "seed"},
      {R"("stop":"a")", "stop"},
      {R"("stop":[])", ""},
      {R"("stop":"\n")", "stop, a stop sequence of white space"},
      {R"("stop":["a"," \u000a"])", "stop, a stop sequence of white space"},
      {R"("stop":["a\n"])", "stop"},
      {R"("stop":["a","b","c","d"])", "stop"},
      {R"("stop":["a","b","c","d","e"])", "stop, more than 4 stop sequences"},
      {R"("stop":["a","b","c","d","e","f"])", "stop, more than 4 stop sequences, more than 5 stop sequences"},
      {R"("response_format":{"type":"text"})", ""},
      {R"("reasoning_effort":"none")", "reasoning_effort, reasoning_effort none"},
      {R"("reasoning_effort":"minimal")", "reasoning_effort, reasoning_effort minimal"},
      {R"("reasoning_effort":"xhigh")", "reasoning_effort, reasoning_effort above high"},
      {R"("reasoning_effort":"max")", "reasoning_effort, reasoning_effort above high"},
      {R"("tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{}}])",
       "tools, a value unknown to batchrun (a role, a type, ...)"},
      {R"("tool_choice":"none")", "tool_choice"},
      {R"("tool_choice":{"type":"allowed_tools"})",
       "tool_choice, a value unknown to batchrun (a role, a type, ...)"},
      {R"("response_format":{"type":"json_object"})", "response_format json_object"},
      {R"("response_format":{"type":"json_schema","json_schema":{}})", "response_format json_schema"},
      {R"("response_format":{"type":"grammar"})", "a value unknown to batchrun (a role, a type, ...)"},
      {R"("response_format":"json")", "a value unknown to batchrun (a role, a type, ...)"},
      {R"("tools":"t")", "tools, a value unknown to batchrun (a role, a type, ...)"},
      {R"("stop":5)", "stop, a value unknown to batchrun (a role, a type, ...)"},
      {R"("stop":["a",5])", "stop, a value unknown to batchrun (a role, a type, ...)"},
      {R"("max_output_tokens":5)", "a parameter unknown to batchrun"},
      {R"("max_output_tokens":null,"options":null)", ""},
      {R"("options":{"num_predict":5})", "a parameter unknown to batchrun"},
      {R"("generationConfig":{"maxOutputTokens":5})", "a parameter unknown to batchrun"},
      {R"("input":"x")", "a parameter unknown to batchrun"},
      {R"("contents":[{"parts":[]}])", "a parameter unknown to batchrun"},
      {R"("tools":[])", ""},
      {R"("tools":[{"type":"function"}])", "tools"},
      {R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])", "tools, strict tools"},
      {R"("tools":[{"type":"function","function":{"name":"f","strict":false}}])", "tools"},
      {R"("tool_choice":"auto")", ""},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"function","function":{"name":"f"}})", "tool_choice"},
      {R"("parallel_tool_calls":true)", ""},
      {R"("parallel_tool_calls":false)", "parallel_tool_calls"},
      {R"("functions":[{"name":"f"}])", "functions"},
      {R"("logprobs":false)", ""},
      {R"("logprobs":true,"top_logprobs":3)", "logprobs"},
      {R"("logit_bias":{})", ""},
      {R"("logit_bias":{"5":1})", "logit_bias"},
      {R"("reasoning_effort":"low")", "reasoning_effort"},
      {R"("service_tier":"auto")", ""},
      {R"("service_tier":"flex")", "service_tier"},
      {R"("modalities":["text"])", ""},
      {R"("modalities":["text","audio"],"audio":{"voice":"x"})", "audio"},
      {R"("user":"u","safety_identifier":"s")", "user"},
      {R"("store":false)", ""},
      {R"("store":true)", "store"},
      {R"("metadata":{"user_id":"u"})", ""},
      {R"("tags":["a"],"provider":"p","route":"r","priority":3,"id":"i")", ""},
      {R"("grammar":"x")", "a parameter unknown to batchrun"},
      {R"("frequency_penalty":1,"presence_penalty":-1)", "frequency_penalty, presence_penalty"},
      {R"("frequency_penalty":0,"presence_penalty":-0.0)", ""},
      {R"("frequency_penalty":"0")", "frequency_penalty"},
  };
  for (const Case& c : table) EXPECT_EQ(needs_of_member(c.member), c.needs) << c.member;
}

TEST(ChatNeeds, MetadataInABatchLinesBodyIsTheProviders) {
  EXPECT_EQ(needs_of(R"({"body":{"messages":[{"content":"x"}],"metadata":{"a":"b"}},"metadata":{"c":1}})"),
            "metadata in the body");
}

// Routing proxies and vLLM have such parameters; batchrun's own stand beside the body.
TEST(ChatNeeds, BatchrunsOwnWordsInABatchLinesBodyAreTheProviders) {
  for (const std::string name : {"provider", "route", "tags", "priority", "custom_id", "id", "prompt"}) {
    EXPECT_EQ(needs_of(R"({"body":{"messages":[{"content":"x"}],")" + name + R"(":"y"}})"),
              "a parameter unknown to batchrun")
        << name;
  }
}

TEST(ChatNeeds, AreReadFromMessages) {
  struct Case {
    const char* messages;
    const char* needs;
  };
  const Case table[] = {
      {R"({"role":"user","content":[{"type":"text","text":"x"}]})", ""},
      {R"({"role":"user","content":[{"text":"x"}]})", ""},
      {R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]})",
       "an image by URL"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]})",
       "an image as a data URL"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,AA"}]})",
       "an image as a data URL"},
      {R"({"role":"user","content":[{"type":"input_audio","input_audio":{}}]})", "audio"},
      {R"({"role":"user","content":[{"type":"file","file":{}}]})", "a file part"},
      {R"({"role":"user","content":[{"type":"hologram"}]})",
       "a value unknown to batchrun (a role, a type, ...)"},
      {R"({"role":"wizard","content":"x"})", "a value unknown to batchrun (a role, a type, ...)"},
      {R"({"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"user","content":"x"})",
       ""},
      {R"({"role":"developer","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"x"})",
       ""},
      {R"({"role":"user","content":"x"},{"role":"system","content":"b"})",
       "a system message after the first other one"},
      {R"({"role":"user","name":"Ann","content":"x"})", "the name of a message"},
      {R"({"role":"function","name":"f","content":"x"})", "functions"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}}]})",
       "an image by URL, the detail of an image"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"auto"}}]})",
       "an image by URL"},
      {R"({"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]})",
       "a parameter unknown to batchrun"},
      {R"({"role":"user","content":[{"type":"text","text":"x","cache_control":null}]})", ""},
      {R"({"role":"user","content":"x","prefix":true})", "a parameter unknown to batchrun"},
      {R"({"role":"assistant","content":null,"audio":{"id":"a"}},{"role":"user","content":"x"})", "audio"},
      // An answer that is given back as it came.
      {R"({"role":"assistant","content":"y","refusal":null,"annotations":[],"reasoning":"hm","audio":null},{"role":"user","content":"x"})",
       ""},
      {R"({"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","tool_call_id":"c","content":"x"})",
       ""},
  };
  for (const Case& c : table) {
    EXPECT_EQ(needs_of(R"({"messages":[)" + std::string(c.messages) + "]}"), c.needs) << c.messages;
  }
}

}  // namespace
}  // namespace batchrun

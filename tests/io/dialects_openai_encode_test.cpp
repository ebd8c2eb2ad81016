#include "io/dialects/openai_encode.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>
#include <set>

namespace batchrun {
namespace {

using Members = std::map<std::string, std::string>;

// The members of an object in simdjson's own form.
Members members_of(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  EXPECT_EQ(parser.parse(text.data(), text.size()).get_object().get(object), simdjson::SUCCESS) << text;
  Members members;
  for (const auto field : object) {
    EXPECT_TRUE(members.emplace(field.key, simdjson::minify(field.value)).second) << "twice: " << field.key;
  }
  return members;
}

Row batch_row(std::string text) {
  Row row;
  row.text = std::move(text);
  row.shape = RowShape::body;
  const std::string mark = "\"body\":";
  const std::size_t from = row.text.find(mark) + mark.size();
  row.body = std::string_view(row.text).substr(from, row.text.rfind('}') - from);
  return row;
}

Row bare_row(std::string text) {
  Row row;
  row.text = std::move(text);
  row.shape = RowShape::body;
  row.body = row.text;
  return row;
}

Endpoint endpoint() {
  Endpoint result;
  result.origin.host = "api.openai.com";
  result.base_path = "/v1";
  return result;
}

const Credential credential("sk-test");

Request encode(const Row& row, bool stream, OpenAiFlavour flavour = OpenAiFlavour::openai) {
  static const Endpoint where = endpoint();
  return encode_openai(flavour, row, "gpt-4o-mini", stream, where, credential);
}

// What must be sent, from the row's members: an independent reading of the rules.
Members expected(std::string_view object, const std::set<std::string>& dropped, bool stream, bool options) {
  Members members = members_of(object);
  for (const std::string& name : dropped) members.erase(name);
  members.erase("stream_options");
  members.erase("stream");
  members["model"] = "\"gpt-4o-mini\"";
  if (stream) members["stream"] = "true";
  if (stream && options) members["stream_options"] = "{\"include_usage\":true}";
  return members;
}

const std::set<std::string> batchruns_own = {"custom_id", "id",       "provider", "route",
                                             "tags",      "metadata", "priority"};

TEST(OpenAiEncode, SendsABatchBodyAsItCame) {
  const Row row = batch_row(
      R"({"custom_id":"r1","method":"POST","url":"/v1/chat/completions","body": {"model":"other", "messages":[{"role":"user","content":"a\"}\u20ac,]"}],)"
      R"("temperature": 0.20, "stream":false,"stream_options":{"include_obfuscation":false},"metadata":{"a":"b"},"tools":[{"x":[1,2,{}]}],)"
      R"("n":1e0, "stop":null, "provider":{"order":["x"]}} })");
  for (const bool stream : {false, true}) {
    const Request request = encode(row, stream);
    EXPECT_EQ(members_of(request.body), expected(row.body, {}, stream, true));
    EXPECT_NE(request.body.find("\"temperature\":0.20"), std::string::npos);  // byte for byte
    EXPECT_NE(request.body.find("\"n\":1e0"), std::string::npos);
  }
}

TEST(OpenAiEncode, TakesItsOwnMembersOutOfABareBody) {
  const Row row = bare_row(
      R"({"custom_id":"r1","id":"r1","model":"m","provider":"openai","route":"small","tags":["a"],"metadata":{"user_id":"u"},)"
      R"("priority":3,"messages":[{"role":"user","content":"hi","id":"kept","model":"kept"}],"max_tokens":64,"stream":true})");
  for (const bool stream : {false, true}) {
    EXPECT_EQ(members_of(encode(row, stream).body), expected(row.text, batchruns_own, stream, true));
  }
}

TEST(OpenAiEncode, ABodyOfABareRowMayHaveSpaceBeforeIt) {
  Row row = bare_row(R"(  {"custom_id":"r1","model":"m","metadata":{},"messages":[]})");
  row.body = std::string_view(row.text).substr(2);
  EXPECT_EQ(members_of(encode(row, false).body), (Members{{"messages", "[]"}, {"model", "\"gpt-4o-mini\""}}));
}

TEST(OpenAiEncode, ANameSpelledWithEscapesIsNoWayAround) {
  const Row row =
      bare_row(R"({"mod\u0065l":"dear","\u0073tream":true,"t\u0061gs":["x"],"messages":[],"x\u0041":1})");
  EXPECT_EQ(members_of(encode(row, false).body),
            (Members{{"messages", "[]"}, {"model", "\"gpt-4o-mini\""}, {"xA", "1"}}));
}

TEST(OpenAiEncode, TurnsAPromptIntoMessages) {
  Row row;
  row.shape = RowShape::prompt;
  row.text =
      R"({"id":"r1","prompt":"Say \"h\u00e9\"\n","system":"Be terse.","model":"m","max_tokens":64,"temperature":0.5,"tags":[],"metadata":{"a":1},"stop":["x"]})";
  row.prompt = "Say \"h\xC3\xA9\"\n";
  row.system = "Be terse.";
  Members members = expected(row.text, batchruns_own, true, true);
  members.erase("prompt");
  members.erase("system");
  members["messages"] =
      "[{\"role\":\"system\",\"content\":\"Be terse.\"},{\"role\":\"user\",\"content\":\"Say "
      "\\\"h\xC3\xA9\\\"\\n\"}]";
  EXPECT_EQ(members_of(encode(row, true).body), members);

  row.system.clear();
  simdjson::dom::parser parser;
  const Request request = encode(row, false);
  const auto messages = parser.parse(request.body)["messages"];
  EXPECT_EQ(messages.get_array().value().size(), 1u);
  EXPECT_EQ(std::string_view(messages.at(0)["content"]), row.prompt);
}

TEST(OpenAiEncode, AsksForUsageWhereThatIsNeeded) {
  const Row row = bare_row(R"({"messages":[]})");
  for (const auto& [flavour, options] :
       {std::pair(OpenAiFlavour::openai, true), std::pair(OpenAiFlavour::cerebras, true),
        std::pair(OpenAiFlavour::groq, false)}) {
    EXPECT_EQ(members_of(encode(row, true, flavour).body), expected(row.text, {}, true, options));
    EXPECT_EQ(members_of(encode(row, false, flavour).body), expected(row.text, {}, false, options));
  }
}

TEST(OpenAiEncode, SendsANativeBodyToItsOwnPath) {
  struct Case {
    Api api;
    const char* line;
  };
  for (const Case& one : {Case{Api::responses, "POST /v1/responses HTTP/1.1"},
                          Case{Api::embeddings, "POST /v1/embeddings HTTP/1.1"}}) {
    Row row = batch_row(
        R"({"custom_id":"r1","url":"/v1/x","body":{"model":"other","input":["h\u00e9", {"id":"kept"}],"stream":true,"stream_options":{},"metadata":{"a":"b"},"dimensions":256}})");
    row.api = one.api;
    for (const bool stream : {false, true}) {
      const Request request = encode(row, stream);
      EXPECT_EQ(members_of(request.body), expected(row.body, {}, stream, false));
      EXPECT_EQ(request.head.substr(0, request.head.find("\r\n")), one.line);
    }
  }
}

// A head as a server reads it.
std::map<std::string, std::string> fields_of(const Request& request, std::string& request_line) {
  std::map<std::string, std::string> fields;
  EXPECT_TRUE(request.head.ends_with("\r\n\r\n"));
  std::string_view rest = request.head;
  const auto take_line = [&rest] {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  request_line = take_line();
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(": ");
    EXPECT_TRUE(fields.emplace(line.substr(0, colon), line.substr(colon + 2)).second) << line;
  }
  EXPECT_TRUE(rest.empty());
  return fields;
}

TEST(OpenAiEncode, WritesTheHead) {
  const Row row = bare_row(R"({"messages":[]})");
  Endpoint where = endpoint();
  where.base_path = "/openai/v1";
  where.organization = "org-1";
  where.project = "proj-1";
  const Request request = encode_openai(OpenAiFlavour::openai, row, "m", false, where, credential);
  std::string line;
  const std::map<std::string, std::string> expected_fields = {
      {"Host", "api.openai.com"},           {"User-Agent", "batchrun/0.1"},
      {"Accept", "application/json"},       {"Accept-Encoding", "identity"},
      {"Content-Type", "application/json"}, {"Content-Length", std::to_string(request.body.size())},
      {"OpenAI-Organization", "org-1"},     {"OpenAI-Project", "proj-1"},
      {"Authorization", "Bearer sk-test"}};
  EXPECT_EQ(fields_of(request, line), expected_fields);
  EXPECT_EQ(line, "POST /openai/v1/chat/completions HTTP/1.1");
  EXPECT_EQ(request.origin, &where.origin);
  EXPECT_EQ(request.body.find("sk-test"), std::string::npos);
}

TEST(OpenAiEncode, LeavesOutWhatIsNotConfigured) {
  const Row row = bare_row(R"({"messages":[]})");
  Endpoint where = endpoint();
  where.origin = {false, "127.0.0.1", 8000, ""};
  where.base_path = "";
  const Request request = encode_openai(OpenAiFlavour::openai, row, "m", true, where, Credential());
  std::string line;
  const auto fields = fields_of(request, line);
  EXPECT_EQ(line, "POST /chat/completions HTTP/1.1");
  EXPECT_EQ(fields.at("Host"), "127.0.0.1:8000");
  EXPECT_EQ(fields.at("Accept"), "text/event-stream, application/json");
  EXPECT_EQ(fields.count("Authorization"), 0u);
  EXPECT_EQ(fields.count("OpenAI-Organization"), 0u);
  EXPECT_EQ(fields.count("OpenAI-Project"), 0u);
}

TEST(OpenAiEncode, EscapesTheModelsName) {
  const Row row = bare_row(R"({"messages":[]})");
  const Endpoint where = endpoint();
  const Request request = encode_openai(OpenAiFlavour::openai, row, "a\"b\r\n", false, where, credential);
  simdjson::dom::parser parser;
  EXPECT_EQ(std::string_view(parser.parse(request.body)["model"]), "a\"b\r\n");
  EXPECT_EQ(request.body.find('\n'), std::string::npos);
}

TEST(OpenAiEncode, AnEmptyObjectIsStillABody) {
  EXPECT_EQ(encode(bare_row("{}"), false).body, R"({"model":"gpt-4o-mini"})");
  EXPECT_EQ(encode(bare_row(" { } "), false).body, R"({"model":"gpt-4o-mini"})");
}

TEST(OpenAiEncode, TriesAKeyWithTheListOfModels) {
  Endpoint where = endpoint();
  where.organization = "org-1";
  EXPECT_EQ(encode_openai_probe(OpenAiFlavour::openai, where, credential).head,
            "GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nUser-Agent: batchrun/0.1\r\n"
            "Accept: application/json\r\nAccept-Encoding: identity\r\nOpenAI-Organization: org-1\r\n"
            "Authorization: Bearer sk-test\r\n\r\n");
  EXPECT_EQ(encode_openai_probe(OpenAiFlavour::openai, where, credential).body, "");
  EXPECT_EQ(encode_openai_probe(OpenAiFlavour::openai, where, Credential()).head.find("Authorization"),
            std::string::npos);
}

TEST(OpenAiEncode, SaysTheLimitInTheOneWordOllamaReads) {
  struct Case {
    const char* given;
    const char* sent;
  };
  for (const Case& one : {Case{R"({"max_completion_tokens":64})", R"({"max_tokens":64})"},
                          Case{R"({"max_tokens":8})", R"({"max_tokens":8})"},
                          Case{R"({"max_completion_tokens":64,"max_tokens":8})", R"({"max_tokens":64})"},
                          Case{R"({"max_tokens":8,"max_completion_tokens":64})", R"({"max_tokens":64})"},
                          Case{R"({"max_completion\u005ftokens":64})", R"({"max_tokens":64})"},
                          Case{R"({"max_completion_tokens":null,"max_tokens":8})",
                               R"({"max_completion_tokens":null,"max_tokens":8})"},
                          Case{R"({"stop":"max_tokens"})", R"({"stop":"max_tokens"})"}}) {
    const Row row = bare_row(one.given);
    EXPECT_EQ(members_of(encode(row, false, OpenAiFlavour::ollama).body),
              expected(one.sent, {}, false, false))
        << one.given;
    EXPECT_EQ(members_of(encode(row, false).body), expected(one.given, {}, false, false)) << one.given;
  }
}

TEST(OpenAiEncode, NamesAzuresDeploymentInThePath) {
  struct Case {
    const char *base_path, *version, *model, *line;
  };
  for (const Case& one :
       {Case{"/openai", "", "gpt-4o", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"},
        Case{"", "", "gpt-4o", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"},
        Case{"/openai", "2025-04-01-preview", "my gpt/4?",
             "/openai/deployments/my%20gpt%2F4%3F/chat/completions?api-version=2025-04-01-preview"},
        Case{"/openai/v1", "", "gpt-4o", "/openai/v1/chat/completions"},
        Case{"/openai/v1", "preview", "gpt-4o", "/openai/v1/chat/completions?api-version=preview"}}) {
    Endpoint where = endpoint();
    where.base_path = one.base_path;
    where.api_version = one.version;
    const Row row = bare_row(R"({"messages":[]})");
    std::string line;
    const auto fields =
        fields_of(encode_openai(OpenAiFlavour::azure, row, one.model, true, where, credential), line);
    EXPECT_EQ(line, "POST " + std::string(one.line) + " HTTP/1.1");
    EXPECT_EQ(fields.at("api-key"), "sk-test");
    EXPECT_EQ(fields.count("Authorization"), 0u);
  }
}

TEST(OpenAiEncode, TriesAnAzureKeyWithItsListOfModels) {
  Endpoint where = endpoint();
  where.base_path = "/openai";
  std::string line;
  const auto fields = fields_of(encode_openai_probe(OpenAiFlavour::azure, where, credential), line);
  EXPECT_EQ(line, "GET /openai/models?api-version=2024-10-21 HTTP/1.1");
  EXPECT_EQ(fields.at("api-key"), "sk-test");
  where.base_path = "";
  fields_of(encode_openai_probe(OpenAiFlavour::azure, where, credential), line);
  EXPECT_EQ(line, "GET /openai/models?api-version=2024-10-21 HTTP/1.1");
  where.base_path = "/openai/v1";
  fields_of(encode_openai_probe(OpenAiFlavour::azure, where, credential), line);
  EXPECT_EQ(line, "GET /openai/v1/models HTTP/1.1");
}

}  // namespace
}  // namespace batchrun

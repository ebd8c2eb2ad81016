// POST /v1/embeddings: vectors that depend on the text only, as numbers or as base64 of little-endian 32-bit
// floats (https://platform.openai.com/docs/api-reference/embeddings).
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <functional>
#include <iterator>

#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/dialects/openai_body.h"
#include "bench/mockprovider/random.h"
#include "bench/mockprovider/text.h"
#include "io/append_format.h"

namespace batchrun::mock {

namespace {

constexpr std::size_t most_inputs = 2048;
constexpr std::uint32_t usual_dimensions = 1536;

std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

// Reads an embeddings body into a call.
class Reader {
 public:
  Reader(JsonView body, const Target& target, Call& out) : body_(body), target_(target), out_(out) {}

  std::optional<Problem> read() {
    if (auto problem = read_model(body_, target_.model, out_)) return problem;
    const JsonView input = body_["input"];
    if (!input.exists()) return missing_parameter("input");
    PromptReader prompt(out_);
    prompt.message("user");
    if (auto problem = read_input(input, prompt)) return problem;
    prompt.done();
    out_.prompt_tokens = tokens_;
    return read_form();
  }

 private:
  // A text, texts, tokens, or arrays of tokens.
  std::optional<Problem> read_input(JsonView input, PromptReader& prompt) {
    if (input.is_text() || (input.is_array() && input[0].is_number())) return read_one(input, prompt);
    if (!input.is_array()) return wrong_type("input", "one of a string or array");
    if (input.size() == 0 || input.size() > most_inputs)
      return wrong_value("input", fmt::format("between 1 and {} inputs", most_inputs));
    for (std::size_t i = 0; i < input.size(); ++i) {
      if (auto problem = read_one(input[i], prompt)) return problem;
    }
    return std::nullopt;
  }

  std::optional<Problem> read_one(JsonView input, PromptReader& prompt) {
    if (input.size() == 0 && input.text().empty())
      return wrong_value("input", "something to embed, not an empty string");
    const std::string text = input.is_text() ? std::string(input.text()) : input.serialized();
    prompt.text(text);
    out_.inputs.push_back(hash_of(text));
    tokens_ += input.is_text() ? (text.size() + 3) / 4 : input.size();
    return std::nullopt;
  }

  std::optional<Problem> read_form() {
    const std::string_view format = body_["encoding_format"].text();
    if (!format.empty() && format != "float" && format != "base64")
      return wrong_value("encoding_format", "one of 'float' and 'base64'");
    out_.base64 = format == "base64";
    std::optional<std::uint64_t> dimensions;
    if (auto problem = read_count(body_, "dimensions", 1, dimensions)) return problem;
    if (dimensions.value_or(1) > 4096) return wrong_value("dimensions", "a value <= 4096");
    out_.dimensions = static_cast<std::uint32_t>(dimensions.value_or(usual_dimensions));
    return std::nullopt;
  }

  JsonView body_;
  const Target& target_;
  Call& out_;
  std::uint64_t tokens_ = 0;
};

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? digits[(group >> (18 - 6 * k)) & 63] : '=';
  }
}

void append_vector(std::string& out, std::uint64_t input, const Call& call) {
  Random random(input);
  const auto next = [&random] { return static_cast<float>(random.unit() * 0.1 - 0.05); };
  if (call.base64) {
    static_assert(std::endian::native == std::endian::little);
    std::string bytes(call.dimensions * sizeof(float), '\0');
    for (std::uint32_t i = 0; i < call.dimensions; ++i) {
      const float value = next();
      std::memcpy(&bytes[i * sizeof(float)], &value, sizeof value);
    }
    out += '"';
    append_base64(out, bytes);
    out += '"';
    return;
  }
  for (std::uint32_t i = 0; i < call.dimensions; ++i) append_format(out, "{}{}", i ? ',' : '[', next());
  out += ']';
}

class Embeddings final : public Endpoint {
 public:
  std::optional<Problem> read(const HttpRequest& request, const Target& target, Call& out) const override {
    out.task = Task::embedding;
    return read_openai_body(request.body, [&](JsonView body) { return Reader(body, target, out).read(); });
  }

  std::string_view plain_member() const override { return "data"; }

  void append_plain(std::string& out, const Answer& answer) const override {
    out += R"({"object":"list","data":[)";
    for (std::size_t i = 0; i < answer.call.inputs.size(); ++i) {
      append_format(out, R"({}{{"object":"embedding","index":{},"embedding":)", i ? "," : "", i);
      append_vector(out, answer.call.inputs[i], answer.call);
      out += '}';
    }
    out += "],\"model\":";
    append_json_string(out, answer.frame.model);
    if (answer.frame.usage) {
      append_format(out, R"(,"usage":{{"prompt_tokens":{0},"total_tokens":{0}}})", answer.call.prompt_tokens);
    }
    out += '}';
  }
};

}  // namespace

const Endpoint& openai_embeddings() {
  static const Embeddings endpoint;
  return endpoint;
}

}  // namespace batchrun::mock

#include "bench/mockprovider/dialects/openai_body.h"

#include <fmt/format.h>

namespace batchrun::mock {

Problem missing_parameter(std::string_view param) {
  return {.message = fmt::format("Missing required parameter: '{}'.", param),
          .param = std::string(param),
          .code = "missing_required_parameter"};
}

Problem wrong_type(std::string_view param, std::string_view wanted) {
  return {.message = fmt::format("Invalid type for '{}': expected {}.", param, wanted),
          .param = std::string(param),
          .code = "invalid_type"};
}

Problem wrong_value(std::string_view param, std::string_view wanted) {
  return {.message = fmt::format("Invalid value for '{}': expected {}.", param, wanted),
          .param = std::string(param),
          .code = "invalid_value"};
}

std::optional<Problem> read_openai_body(std::string_view body,
                                        const std::function<std::optional<Problem>(JsonView)>& read) {
  std::optional<Problem> problem;
  const bool parsed = with_json(body, [&](JsonView root) {
    problem = root.is_object() ? read(root) : wrong_type("body", "an object");
  });
  if (parsed) return problem;
  return Problem{.message =
                     "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
                     "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was "
                     "sent was not valid JSON.)"};
}

std::optional<Problem> read_model(JsonView body, std::string_view model_in_path, Call& out) {
  out.model = model_in_path.empty() ? body["model"].text() : model_in_path;
  if (out.model.empty()) return Problem{.message = "you must provide a model parameter"};
  return std::nullopt;
}

std::optional<Problem> read_stream(JsonView body, Call& out) {
  const JsonView stream = body["stream"];
  if (!stream.exists()) return std::nullopt;
  if (!stream.is_bool()) return wrong_type("stream", "a boolean");
  out.stream = stream.is_true();
  return std::nullopt;
}

std::optional<Problem> read_count(JsonView body, std::string_view name, std::uint64_t least,
                                  std::optional<std::uint64_t>& out) {
  const JsonView value = body[name];
  if (!value.exists()) return std::nullopt;
  const auto number = value.whole();
  if (!number) return wrong_type(name, "a whole number");
  if (*number < least) return wrong_value(name, fmt::format("a value >= {}", least));
  out = number;
  return std::nullopt;
}

}  // namespace batchrun::mock

// What the request bodies of OpenAI's endpoints have in common: their mistakes, and members that mean the
// same on each.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bench/mockprovider/call.h"
#include "bench/mockprovider/json_view.h"
#include "bench/mockprovider/problem.h"

namespace batchrun::mock {

Problem missing_parameter(std::string_view param);
Problem wrong_type(std::string_view param, std::string_view wanted);
Problem wrong_value(std::string_view param, std::string_view wanted);

// Parses a body that must be a JSON object and hands it to `read`.
std::optional<Problem> read_openai_body(std::string_view body,
                                        const std::function<std::optional<Problem>(JsonView)>& read);

std::optional<Problem> read_model(JsonView body, std::string_view model_in_path, Call& out);
std::optional<Problem> read_stream(JsonView body, Call& out);
// A whole number of at least `least`; nothing when absent or null.
std::optional<Problem> read_count(JsonView body, std::string_view name, std::uint64_t least,
                                  std::optional<std::uint64_t>& out);

}  // namespace batchrun::mock

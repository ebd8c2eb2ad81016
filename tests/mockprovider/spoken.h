// One conversation with an endpoint, without a provider around it: a request body read, answered and written,
// plain and as a stream.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/mockprovider/dialect.h"

namespace batchrun::mock {

struct Spoken {
  std::optional<Problem> problem;
  Call call;
  Completion completion;
  std::string plain;
  StreamEvents events;
};

struct SpeakingOf {
  const Endpoint& endpoint;
  Flavour flavour = Flavour::openai;
  Scenario scenario{};
  std::string path = "/";
  std::string model_in_path{};
  std::vector<std::pair<std::string, std::string>> fields{};
  std::optional<Finish> finish{};  // instead of how the answer would end
  bool usage = true, no_results = false, blocked = false;
};

// The reply's id is "abcdefghijklmnopqrstuv", the time 1970-01-01T00:00:05Z.
Spoken speak(const SpeakingOf& about, const std::string& body);

std::string limit_fields(const Dialect& dialect, Quota& quota, Now now, const Refusal* refusal = nullptr);

}  // namespace batchrun::mock

// How often each prompt was admitted and answered to the end: what shows a row that was asked twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace batchrun::mock {

struct Execution {
  std::uint32_t admitted = 0;
  std::uint32_t completed = 0;
};

class Executions {
 public:
  void admitted(std::uint64_t id) { ++by_id_[id].admitted; }
  void completed(std::uint64_t id) { ++by_id_[id].completed; }
  void clear() { by_id_.clear(); }
  Execution of(std::uint64_t id) const;

  // As GET /mock/executions answers: how many prompts there are, and those that were completed (or, with
  // `count_admitted`, admitted) at least `least` times, the first 1,000 by id.
  std::string to_json(std::uint32_t least, bool count_admitted) const;

 private:
  std::unordered_map<std::uint64_t, Execution> by_id_;
};

}  // namespace batchrun::mock

#include "runner/pool_config.h"

#include <cstdlib>

namespace batchrun {

bool is_variable(const std::string& place) {
  return !place.empty() && place.find_first_of(":-") == std::string::npos;
}

std::string_view limit_field(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests_per_minute:
      return "requestsPerMinute";
    case Dimension::tokens_per_minute:
      return "tokensPerMinute";
    case Dimension::input_tokens_per_minute:
      return "inputTokensPerMinute";
    case Dimension::output_tokens_per_minute:
      return "outputTokensPerMinute";
    case Dimension::requests_per_day:
      return "requestsPerDay";
    case Dimension::tokens_per_day:
      return "tokensPerDay";
  }
  std::abort();
}

}  // namespace batchrun

#include "bench/mockprovider/stream_events.h"

namespace batchrun::mock {

std::string_view event_type(std::string_view data) {
  constexpr std::string_view start = "{\"type\":";
  if (!data.starts_with(start)) return {};
  data.remove_prefix(start.size());
  while (data.starts_with(' ')) data.remove_prefix(1);
  if (!data.starts_with('"')) return {};
  data.remove_prefix(1);
  return data.substr(0, data.find('"'));
}

}  // namespace batchrun::mock

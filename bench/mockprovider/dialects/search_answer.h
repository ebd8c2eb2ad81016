// What the simulated search engine finds: the same pages for the same query, whoever asks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/mockprovider/call.h"

namespace batchrun::mock {

struct SearchResult {
  std::string title, link, snippet;
};

// The result at `position`, from 1. The first one's title starts with the call's marker.
SearchResult search_result(const Call& call, std::string_view query, std::size_t position);

// Makes a call of these queries. REQUIRES: at least one.
void read_queries(Call& out);

}  // namespace batchrun::mock

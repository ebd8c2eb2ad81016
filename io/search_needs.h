// The parameters of a search row, and which providers have them. Pure.
//
// Sources: serpapi.com/search-api (Google engine), serper.dev (search playground).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/chat_features.h"
#include "io/json_tokens.h"

namespace batchrun {

enum class SearchMember : std::uint8_t {
  own,      // batchrun's: query, custom_id, tags, ...
  shared,   // num, location, gl, hl, tbs, page: said to SerpApi and to Serper
  serpapi,  // of SerpApi alone
  serper,   // of Serper alone
  unknown,
};
SearchMember search_member(std::string_view name);

// The first member of a search row that is of neither; "" when there is none. REQUIRES: valid JSON.
std::string unknown_search_member(std::string_view row);

// What the members of a search row ask for; null asks for nothing. A list or an object is no value of either
// provider's.
FeatureSet features_of_search(const JsonTokens& tokens, JsonTokens::Value row);

}  // namespace batchrun

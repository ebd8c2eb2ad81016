// SerpApi: a search of Google's for each row. Source: serpapi.com/search-api, .../account-api,
// .../api-status-and-error-codes.
//
// The key is a part of the URL here. The request's head holds it, as for every provider; what SerpApi says
// back is searched for it: see decode_body and fault_message.
#pragma once

#include <memory>

#include "io/dialect.h"

namespace batchrun {

std::unique_ptr<Dialect> make_serpapi_dialect();

}  // namespace batchrun

// The last request that was not for the control path, so that what clients send can be compared (GET
// /mock/last_request). Secrets are masked in what is told.
#pragma once

#include <string>

#include "bench/mockprovider/http_request.h"

namespace batchrun::mock {

class LastRequest {
 public:
  void keep(const HttpRequest& request);
  // {"method","target","fields":[["name","value"],...],"body"}; "null" when there was none. Names are in
  // lower case and in the order sent; `body` is text.
  std::string to_json() const;

 private:
  // Kept as it came, in strings that are used again: every request passes here, hardly one is asked about.
  HttpRequest request_;
  std::string text_;
};

}  // namespace batchrun::mock

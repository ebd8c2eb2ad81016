#include "bench/mockprovider/last_request.h"

#include <algorithm>
#include <boost/json.hpp>

namespace batchrun::mock {

namespace {

constexpr std::string_view mask = "***";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

// The scheme of an authorization stays.
std::string without_secret(std::string_view name, std::string_view value) {
  if (name == "authorization") return std::string(value.substr(0, value.find(' ') + 1)).append(mask);
  const bool secret =
      name == "x-api-key" || name == "api-key" || name == "x-goog-api-key" || name == "cookie";
  return std::string(secret ? mask : value);
}

std::string without_secret(const HttpRequest& request) {
  std::string out(request.path());
  char mark = '?';
  for (const auto& [name, value] : request.query_members()) {
    out.append(1, mark).append(name).append("=");
    out += name == "key" || name == "api_key" ? mask : value;
    mark = '&';
  }
  return out;
}

}  // namespace

void LastRequest::keep(const HttpRequest& request) {
  text_.clear();
  std::size_t size = request.method.size() + request.target.size() + request.body.size();
  for (const auto& [name, value] : request.fields) size += name.size() + value.size();
  text_.reserve(size);  // no part moves when the next one comes
  const auto kept = [&](std::string_view part) {
    text_ += part;
    return std::string_view(text_).substr(text_.size() - part.size());
  };
  request_.method = kept(request.method);
  request_.target = kept(request.target);
  request_.body = kept(request.body);
  request_.fields.clear();
  for (const auto& [name, value] : request.fields) request_.fields.emplace_back(kept(name), kept(value));
}

std::string LastRequest::to_json() const {
  if (request_.method.empty()) return "null";
  boost::json::array fields;
  for (const auto& [name, value] : request_.fields) {
    const std::string lower_name = lower(name);
    fields.push_back(boost::json::array{lower_name, without_secret(lower_name, value)});
  }
  return boost::json::serialize(boost::json::object{{"method", request_.method},
                                                    {"target", without_secret(request_)},
                                                    {"fields", std::move(fields)},
                                                    {"body", request_.body}});
}

}  // namespace batchrun::mock

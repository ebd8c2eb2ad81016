#include "runner/price_table.h"

#include <algorithm>
#include <cmath>

#include "io/ascii.h"
#include "runner/json_node.h"
#include "runner/shipped_prices.h"

namespace batchrun {
namespace {

constexpr double dearest = 1e6;  // USD for a million tokens: a slip of the pen above that

// USD for a million tokens as picodollars for one.
Picodollars per_token(const JsonNode& node) {
  const double usd = node.number();
  if (!(usd >= 0 && usd <= dearest))
    node.fail("a price is a number from 0 to 1000000, in USD for a million tokens");
  return std::llround(usd * 1e6);
}

TokenPrices read_prices(const JsonNode& node) {
  const auto given = [&](std::string_view name) { return node.has(name) && !node[name].is_null(); };
  TokenPrices prices;
  if (given("input")) prices.input = per_token(node["input"]);
  if (given("output")) prices.output = per_token(node["output"]);
  prices.cached_input = given("cached_input") ? per_token(node["cached_input"]) : prices.input;
  prices.cache_write = given("cache_write") ? per_token(node["cache_write"]) : prices.input;
  prices.cache_write_1h = given("cache_write_1h") ? per_token(node["cache_write_1h"]) : prices.cache_write;
  return prices;
}

Price read_price(const JsonNode& node) {
  Price price;
  price.base = read_prices(node);
  if (node.has("search")) {
    const double usd = node["search"].number();
    if (!(usd >= 0 && usd <= dearest))
      node["search"].fail("a price is a number from 0 on, in USD for one search");
    price.search = std::llround(usd * picodollars_per_dollar);
  }
  if (!node.has("long_context")) return price;
  const JsonNode lasting = node["long_context"];
  lasting.only({"from", "input", "cached_input", "cache_write", "cache_write_1h", "output"});
  if (!lasting.has("from"))
    lasting.fail("long_context has no \"from\"", "the number of input tokens it holds from");
  price.long_from = static_cast<std::uint64_t>(lasting["from"].whole(1, 1'000'000'000));
  price.long_context = read_prices(lasting);
  return price;
}

bool holds(const JsonNode& node, std::string_view today) {
  return (!node.has("since") || node["since"].text() <= today) &&
         (!node.has("until") || today <= node["until"].text());
}

// "-2024-08-06", "-20251001" at the end of a model's name; its length, or 0.
std::size_t date_length(std::string_view model) {
  for (const std::string_view form : {"-dddd-dd-dd", "-dddddddd"}) {
    if (model.size() <= form.size()) continue;
    const std::string_view end = model.substr(model.size() - form.size());
    const bool fits = std::equal(form.begin(), form.end(), end.begin(), [](char wanted, char c) {
      return wanted == 'd' ? ascii::is_digit(c) : wanted == c;
    });
    if (fits) return form.size();
  }
  return 0;
}

}  // namespace

PriceTable::PriceTable(std::string_view text, const std::string& path, std::string_view today) {
  const JsonDocument document(text, path);
  const JsonNode root = document.root();
  root.only({"models"});
  if (!root.has("models")) root.fail("a price table has \"models\"");
  for (const JsonNode& node : root["models"].elements()) {
    node.only({"provider", "id", "input", "cached_input", "cache_write", "cache_write_1h", "output",
               "long_context", "search", "since", "until"});
    for (const std::string_view needed : {"provider", "id"}) {
      if (!node.has(needed)) node.fail("a price needs a provider and an id");
    }
    Entry read{node["provider"].name(), node["id"].name(), read_price(node)};
    if (!holds(node, today)) continue;
    if (entry(read.provider, read.id) != nullptr)
      node.fail("the price of " + read.provider + "/" + read.id + " is given twice");
    entries_.push_back(std::move(read));
  }
}

PriceTable PriceTable::shipped(std::string_view today) {
  return PriceTable(shipped_prices, "prices.json", today);
}

const PriceTable::Entry* PriceTable::entry(std::string_view provider, std::string_view id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.id == id && one.provider == provider; });
  return found == entries_.end() ? nullptr : &*found;
}

const PriceTable::Entry* PriceTable::entry_of_model(std::string_view provider, std::string_view model) const {
  if (const Entry* exact = entry(provider, model)) return exact;
  const std::size_t date = date_length(model);
  return date == 0 ? nullptr : entry(provider, model.substr(0, model.size() - date));
}

const Price* PriceTable::find(std::string_view provider, std::string_view model) const {
  const Entry* found = entry_of_model(provider, model);
  if (found == nullptr) found = entry(provider, "*");
  return found == nullptr ? nullptr : &found->price;
}

bool PriceTable::names(std::string_view provider, std::string_view model) const {
  return entry_of_model(provider, model) != nullptr;
}

}  // namespace batchrun

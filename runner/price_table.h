// The price table: which price holds for a model of a provider. Shipped as runner/prices.json, replaced by
// the config's "prices". A value; read only after construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pool/price.h"

namespace batchrun {

class PriceTable {
 public:
  // `text`: a table as runner/prices.json is one; `path` is for messages. `today` ("2026-11-22") chooses
  // among entries that hold since or until some day. Throws UsageError with the place of a mistake.
  PriceTable(std::string_view text, const std::string& path, std::string_view today);

  // The table that comes with the program.
  static PriceTable shipped(std::string_view today);

  // nullptr: no price is known. The entry of that provider whose id is the model, or the model without a date
  // at its end (gpt-4o-2024-08-06, claude-haiku-4-5-20251001), or "*". The result lives as long as the table.
  const Price* find(std::string_view provider, std::string_view model) const;

  // Whether `model` is one of `provider`'s by the table, "*" aside.
  bool names(std::string_view provider, std::string_view model) const;

 private:
  struct Entry {
    std::string provider, id;
    Price price;
  };
  const Entry* entry(std::string_view provider, std::string_view id) const;
  const Entry* entry_of_model(std::string_view provider, std::string_view model) const;
  std::vector<Entry> entries_;
};

}  // namespace batchrun

#include "runner/cost_book.h"

#include <algorithm>

#include "io/json_members.h"
#include "io/json_text.h"
#include "runner/cost_estimate.h"

namespace batchrun {

CostBook::CostBook(const Settings& settings)
    : settings_(settings),
      lines_(settings.providers.size()),
      spend_(settings.spend, settings.spend.of_users() && settings.pool.settings.keep_history) {
  for (const Key& key : settings.keys) sum_of_key_.push_back(&figures_.by_key[key.alias]);
}

void CostBook::add_model(std::string_view name) {
  models_.emplace_back(name);
}

CostBook::Line& CostBook::line(std::size_t provider, std::uint32_t model) {
  std::vector<Line>& lines = lines_[provider];
  if (lines.size() <= model) lines.resize(models_.size());
  Line& found = lines[model];
  if (!found.looked_up) {
    found.looked_up = true;
    const Provider& one = settings_.providers[provider];
    found.price = price_of(settings_, one, models_[model]);
    if (found.price != nullptr) {
      found.sum = &figures_.by_model[models_[model].empty() ? one.name : one.name + "/" + models_[model]];
    }
  }
  return found;
}

void CostBook::add_lane(const LaneSpec& lane) {
  std::vector<const Price*>& prices = prices_of_.emplace_back();
  if (!limited()) return;
  for (const Candidate& candidate : lane.candidates) {
    const Price* price = line(settings_.keys[candidate.key.value].provider, candidate.model).price;
    if (std::find(prices.begin(), prices.end(), price) == prices.end()) prices.push_back(price);
  }
}

std::optional<Picodollars> CostBook::most(LaneId lane, const Row& row) const {
  const TokenBound bound = token_bound(row);
  Picodollars most = 0;
  for (const Price* price : prices_of_[lane.value]) {
    if (price == nullptr) return std::nullopt;
    most = std::max(most, most_cost_of(*price, bound.input, bound.output));
  }
  return most;
}

std::string CostBook::user_of(const Row& row) {
  std::string user;
  if (row.metadata.empty()) return user;
  JsonMembers members(row.metadata);
  for (std::string_view key, value; members.next(key, value);) {
    if (key == "user_id" && value.size() >= 2 && value.front() == '"')
      append_json_unescaped(user, value.substr(1, value.size() - 2));
  }
  return user;
}

std::optional<Picodollars> CostBook::pay(KeyId key, std::uint32_t model, const Stake& stake,
                                         const Usage& usage) {
  Line& entry = line(settings_.keys[key.value].provider, model);
  if (entry.price == nullptr) {
    ++figures_.unpriced_rows;
    return std::nullopt;
  }
  const Picodollars cost = cost_of(*entry.price, usage);
  figures_.total += cost;
  *entry.sum += cost;
  *sum_of_key_[key.value] += cost;
  if (const std::string& user = stake.user; !user.empty()) {
    const bool has_place = figures_.by_user.size() < most_users || figures_.by_user.count(user) != 0;
    figures_.by_user[has_place ? user : std::string(others_name)] += cost;
  }
  spend_.pay(stake, cost);
  return cost;
}

void CostBook::pay_perhaps(KeyId key, std::uint32_t model, const Stake& stake, const Row& row) {
  ++figures_.perhaps_billed;
  const Line& entry = line(settings_.keys[key.value].provider, model);
  if (entry.price == nullptr) return;
  const TokenBound bound = token_bound(row);
  const Picodollars most = most_cost_of(*entry.price, bound.input, bound.output);
  figures_.perhaps += most;
  spend_.pay(stake, most);
}

}  // namespace batchrun

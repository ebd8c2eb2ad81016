// What the rows of a run cost, and whether the next one may still be sent: prices looked up once for each
// model, sums for each provider, model, key and user, and the caps on spending. One thread, the shard's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/row.h"
#include "pool/pool_spec.h"
#include "pool/spend.h"
#include "runner/cost_figures.h"
#include "runner/settings.h"

namespace batchrun {

class CostBook {
 public:
  // Users beyond so many are summed up as others_name, so that memory stays bounded.
  static constexpr std::size_t most_users = 10'000;
  static constexpr std::string_view others_name = "(others)";

  // `settings` must outlive this.
  explicit CostBook(const Settings& settings);

  // In the order their numbers have.
  void add_model(std::string_view name);
  void add_lane(const LaneSpec& lane);

  // Whether any cap is set: else nothing below but pay() and figures() is of use.
  bool limited() const { return settings_.spend.any(); }

  // The most an answer to a row of the lane can cost, whichever candidate gives it. Nothing: a candidate's
  // price is not known.
  std::optional<Picodollars> most(LaneId lane, const Row& row) const;

  // Whose row it is, by metadata.user_id; "" = nobody's.
  static std::string user_of(const Row& row);

  Spend& spend() { return spend_; }

  // An answer's cost, added to the sums; nothing when its price is not known.
  std::optional<Picodollars> pay(KeyId key, std::uint32_t model, const Stake& stake, const Usage& usage);

  // A request for the row that failed, and may be billed all the same: the most it can cost counts against
  // the caps, and is summed up apart.
  void pay_perhaps(KeyId key, std::uint32_t model, const Stake& stake, const Row& row);

  const CostFigures& figures() const { return figures_; }

 private:
  struct Line {  // of one provider's one model
    bool looked_up = false;
    const Price* price = nullptr;
    Picodollars* sum = nullptr;  // in figures_.by_model
  };
  Line& line(std::size_t provider, std::uint32_t model);

  const Settings& settings_;
  std::vector<std::string> models_;
  std::vector<std::vector<Line>> lines_;              // by provider, by model
  std::vector<std::vector<const Price*>> prices_of_;  // by lane, each price once; nullptr: one is not known
  std::vector<Picodollars*> sum_of_key_;              // in figures_.by_key
  Spend spend_;
  CostFigures figures_;
};

}  // namespace batchrun

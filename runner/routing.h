// Which lane a row waits in: from what it names (route, provider, model, tags) to the keys that may answer
// it. One thread, the feeder's. What the thread with the scheduler needs is handed over by take_new(),
// nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "io/row.h"
#include "pool/pool_spec.h"
#include "runner/settings.h"

namespace batchrun {

// No key may answer the row, and why.
struct NoRoute {
  std::string code;     // "no_route"
  std::string message;  // one sentence, inert, with the nearest valid name where one is near
};

// Lanes and model names made since they were last taken; they go on from the numbers of those before.
struct NewLanes {
  std::vector<LaneSpec> lanes;      // add_lane these in order: their LaneIds are then the ones resolve() gave
  std::vector<std::string> models;  // append these: Candidate::model and Permit::model() count them from 0
  bool empty() const { return lanes.empty() && models.empty(); }
};

class Routing {
 public:
  // A bound on memory: rows that name ever new models do not get ever new lanes.
  static constexpr std::size_t max_lanes = 4096;

  // `settings` must outlive this.
  explicit Routing(const Settings& settings);

  // The lane of a row, made if no row was like it before. A hash lookup when there was one.
  //
  //  route named            -> its candidates
  //  provider named, or -p  -> that provider's keys that serve the model (its default model if none is named)
  //  model named only       -> keys of providers known to serve it: in a key's list, or as default, else by
  //  the
  //                            price table; if none is known to, every key that has no list
  //  neither                -> every provider's default model
  //
  // The default model of a provider that has none configured is, for each key, the first of the key's own
  // list.
  //
  // Of all of these only providers that serve what the row is written for (Row::api) and can honour what it
  // needs (Row::needs).
  //
  // "provider/model" and "provider,model" name both if the first part is a configured provider (nothing after
  // it is a mistake), else they are a model's name. Tags keep only keys with one of them.
  std::variant<LaneId, NoRoute> resolve(const Row& row);

  NewLanes take_new();

  // The name of a model by its number.
  std::string_view model(std::uint32_t number) const { return models_[number]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  // What a row asks for, defaults filled in.
  struct Wish {
    std::string_view route, provider, model;  // "" = not named
    const std::vector<std::string>* tags = nullptr;
    Api api = Api::chat;
    FeatureSet needs;
    const Row* row = nullptr;
  };

  Wish wish_of(const Row& row) const;
  std::variant<LaneSpec, NoRoute> make_lane(const Wish& wish);
  std::variant<LaneSpec, NoRoute> by_route(const Wish& wish);
  std::variant<LaneSpec, NoRoute> by_provider(const Wish& wish);
  std::variant<LaneSpec, NoRoute> by_model(const Wish& wish);
  std::variant<LaneSpec, NoRoute> by_defaults(const Wish& wish);
  void add_model(LaneSpec& lane, std::size_t provider, std::string_view model, const Wish& wish);
  void add_default(LaneSpec& lane, std::size_t provider, const Wish& wish);
  bool can_answer(std::size_t provider, const Wish& wish);
  bool any_key_has(const std::vector<std::string>& tags) const;
  NoRoute with_reasons(NoRoute refused, const Wish& wish) const;
  bool knows(std::size_t provider, std::string_view model) const;
  bool sells(std::size_t provider, std::string_view model) const;
  bool sold_by_some(std::string_view model) const;
  std::uint32_t model_number(std::string_view name);

  const Settings& settings_;
  ByName<std::size_t> providers_;
  std::vector<std::string> provider_names_, model_names_;  // for "did you mean"
  std::vector<std::vector<std::uint32_t>> keys_of_;        // by provider
  ByName<LaneId> lane_by_wish_;
  const ByName<LaneId>::value_type* last_ = nullptr;  // found last: rows that follow mostly ask alike
  ByName<std::uint32_t> model_by_name_;
  std::deque<std::string> models_;
  FeatureSet honoured_by_all_;       // needs that tell no two lanes apart
  bool one_could_answer_ = false;    // of the row at hand, if it had a model for it
  std::vector<std::size_t> unable_;  // providers that cannot answer the row at hand
  std::string asked_;  // the row's own words, as the key of lane_by_wish_; reused from row to row
  NewLanes fresh_;
};

}  // namespace batchrun

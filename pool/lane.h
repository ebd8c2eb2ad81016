// One lane: its waiting rows, the keys that may answer them, and which row goes on which key now.
//
// Rows go in their order while all of the look-ahead fit; where room is short, the largest that fits goes
// first: room that a large row leaves in a window goes to another large one, small ones fill what remains
// (first-fit wastes 2.5 % of a token limit behind rows that do not fit). A row passed over for too long goes
// before all; if it does not fit it gets the group where it will fit soonest to itself until it goes. Of the
// keys that could take the row, lower tiers go first, then the strategy decides; a retry avoids the key it
// failed on. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pool/estimate.h"
#include "pool/key_pool.h"
#include "pool/lane_plan.h"
#include "pool/lane_queue.h"

namespace batchrun {

class Lane {
 public:
  // `pool` and `settings` must outlive this. REQUIRES: the candidates are keys of the pool, and there is one.
  Lane(LaneId id, const LaneSpec& spec, KeyPool& pool, const PoolSettings& settings);

  // What next() came to. A row in Admission or Expired has left the queue; nothing was taken from the pool
  // yet.
  struct Admission {
    Job job;
    Candidate candidate;
    GroupId group;
    Cost cost;
    bool ends_hold = false;  // release_hold() once it is taken from the pool
  };
  struct Blocked {
    TimePoint until;  // holds as long as the pool has no changes() and no row is put in the look-ahead
  };
  struct Dead {};  // no candidate is left for the rest of the run
  using Turn = std::variant<Admission, Expired, Blocked, Dead>;

  // REQUIRES: rows wait.
  Turn next(TimePoint now);

  // Takes out a row whose life is over, if there is one.
  std::optional<Job> take_overaged(TimePoint now);

  // Gives up the group that saves up for the first row, if one does.
  void release_hold(TimePoint now);

  LaneQueue& queue() { return queue_; }
  const LaneQueue& queue() const { return queue_; }

  // Whether a row is larger than every window of every candidate that is left; false if none is left.
  bool exceeds_every_window(const Job& job);

  // What a row waits for if every group it could go to has used up its day, or has waited for if each had:
  // the day that had room first.
  std::optional<SpentDay> last_spent_day(const Job& job, TimePoint now);

  // How many groups the candidates draw on.
  std::size_t groups() const { return groups_; }

  // Some candidate is left (a key that refused the model for this lane is none).
  bool alive();

  // Some candidate's key still works, whether or not for this lane's models.
  bool keys_alive() const;

  // That key is no candidate for that model any more.
  void exclude(KeyId key, std::uint32_t model);

  // The ways to answer its rows: a group and a model each.
  struct Way {
    GroupId group;
    int tier;             // the lowest of its keys'
    TimePoint usable_at;  // earliest time a key of it may be used, its group's quotas aside
    bool alive;
  };
  std::size_t ways() const { return options_.size(); }
  Way way(std::size_t number);
  std::optional<GroupId> group_alive(std::size_t way);  // none if the way is not
  // What a row will probably be charged there; what is reserved for it may be more.
  Cost expected_cost(double input_tokens, double max_output_tokens, std::size_t way) const;

  // What Strategy::saturate goes by; without a plan it is as least_loaded.
  LanePlan& plan() { return plan_; }

  // Groups of the pool were merged: candidates that now share one share an option. Its plan is gone.
  void regroup(TimePoint now);

  // What a reply reported for a row sent to that model.
  void learn(const Permit& permit, const Job& job, const Usage& usage);

 private:
  // Candidates that share a group and a model, so that costs and limits are asked for once.
  struct Option {
    GroupId group;
    QuotaGroup* quota;
    std::uint32_t model;
    const Estimate* estimate;            // of its model, whichever group its replies came from
    std::vector<std::size_t> choices{};  // places in choices_
    bool alive = true;
    Room room{};  // while in open_
  };
  // What the last look at an option came to, so that only what has changed is looked at again.
  struct Standing {
    enum class State : std::uint8_t {
      out,       // not alive, at its group's open requests, or kept for another lane
      shut,      // nobody may be sent before `opens_at`
      full,      // its keys are ready, but no row of the look-ahead fits before then
      unsuited,  // the same, though it has room for the smallest
      open,
    };
    const QuotaGroup* quota;
    State state = State::out;
    TimePoint opens_at = never;
    std::uint64_t version = 0;                 // of the group when looked at; 0: look again
    TimePoint holds_until = TimePoint::min();  // unless the group changes before
    // For full and unsuited: which row of all that suit will fit first, if it is one for certain; it stays so
    // while the group sends nothing.
    std::optional<RowSize> waits_for{};
    double group_sends = 0;
    bool rests() const { return state == State::full || state == State::unsuited; }
  };
  // What all standings rest upon besides their groups.
  struct Basis {
    std::uint64_t circuits = 0;    // of the pool
    std::uint64_t came_ahead = 0;  // of the queue
    std::uint64_t plan = 0;        // its number
    std::uint64_t learned = 0;     // how often what rows cost has changed
    bool by_plan = false;
    friend bool operator==(const Basis&, const Basis&) = default;
  };
  // What was learned of rows sent to one model.
  struct Learned {
    Estimate estimate{};
    double input_noted = 1, output_noted = 0;  // what standings go by, nearly
  };
  struct Choice {
    KeyId key;
    int tier;
    PoolKey* pool_key;
    std::size_t option;  // place in options_
    bool excluded;
  };
  // Smaller is better, field by field.
  struct Rank {
    bool same_key;  // failed on it before
    int tier;
    bool same_group;
    double load;
    std::uint32_t in_flight;
    std::size_t turns;  // until it is its turn

    bool operator<(const Rank& other) const {
      if (same_key != other.same_key) return other.same_key;
      if (tier != other.tier) return tier < other.tier;
      if (same_group != other.same_group) return other.same_group;
      if (load != other.load) return load < other.load;
      if (in_flight != other.in_flight) return in_flight < other.in_flight;
      return turns < other.turns;
    }
  };
  // The best key so far for a row, if any may be used.
  struct BestKey {
    std::optional<std::size_t> choice{};
    Rank rank{};
  };
  struct Pick {
    std::size_t choice;
    Cost cost;
  };
  // An option that may take a row, by its best key.
  struct Untried {
    Option* option;
    BestKey key;
  };

  class Tariff;
  class Suited;
  static Cost cost(const Option& option, const Job& job);  // what is reserved for it
  void enlist(std::size_t choice, std::uint32_t model);
  std::size_t option_for(GroupId group, std::uint32_t model);
  void survey(TimePoint now);
  void forget_what_changed(TimePoint now);
  void look(Option& option, Standing& standing, TimePoint now);
  void look_for_room(Option& option, Standing& standing, TimePoint now);
  void look_beside_first(Option& option, Standing& standing, const Cost& least, TimePoint now);
  void ask_about_news(const Option& option, Standing& standing, TimePoint now);
  void ask_about(std::size_t place, const Option& option, Standing& standing, TimePoint now);
  // Whether a standing knows what row will fit first.
  bool knows_row(const Option& option, const Standing& standing) const {
    return standing.version != 0 && standing.rests() && standing.waits_for &&
           standing.group_sends == pool_.sends_of(option.group);
  }
  bool still_rests(const Option& option, Standing& standing, TimePoint now);
  void rest(const Suited& suited, const Option& option, Standing& standing, Standing::State state,
            TimePoint now);
  Cost least_cost(const Option& option) const;
  TimePoint usable_at(const Option& option);
  bool usable(const Choice& choice, TimePoint now);
  bool may_probe();
  std::optional<Pick> choose(std::size_t place, TimePoint now);
  double draw(KeyId key) const;
  Rank rank(std::size_t number, const Job& job, double group_load) const;
  bool all_fit() const;
  std::optional<std::size_t> largest_that_fits() const;
  bool settle_hold(TimePoint now);
  bool by_plan() const { return settings_.strategy == Strategy::saturate && plan_.active(); }
  std::optional<Admission> admit_by_plan(TimePoint now);
  void look_for_better(BestKey& best, const Option& option, const Job& job, TimePoint now);
  TimePoint let_first_wait_for(const Option& option, TimePoint now);
  void hold_for_first(TimePoint now);
  Admission admit(std::size_t place, const Pick& pick, TimePoint now);
  TimePoint earliest(TimePoint now);
  double credit(const Option& option, std::size_t place) const;
  bool may_take(const Option& option, std::size_t place) const {
    return credit(option, place) > LanePlan::unsuited;
  }
  bool unbeatable(const Rank& rank) const;
  std::size_t number_of(const Option& option) const {
    return static_cast<std::size_t>(&option - options_.data());
  }

  const LaneId id_;
  KeyPool& pool_;
  const PoolSettings& settings_;
  LaneQueue queue_;
  std::uint64_t learned_ = 0;                   // how often what rows cost has changed
  std::map<std::uint32_t, Learned> estimates_;  // by model, whichever group its replies came from
  std::vector<Option> options_;
  std::vector<Standing> standings_;  // by option
  Basis basis_;
  std::uint64_t came_last_ = 0;   // of the queue, at the last survey
  std::size_t newcomers_ = 0;     // last places of the look-ahead that rows may have come to since
  std::optional<RowId> overdue_;  // the first row, if it was, at the last survey
  bool first_is_news_ = false;    // it has become so since
  std::vector<Choice> choices_;
  LanePlan plan_;
  std::size_t groups_ = 0;
  int lowest_tier_ = std::numeric_limits<int>::max();
  std::uint64_t sent_ = 0;     // rows
  std::size_t turn_ = 0;       // round robin: the place of the choice after the last used
  std::uint64_t deaths_seen_;  // of the pool, when `alive` of the options was last worked out
  bool alive_ = true;
  QuotaGroup* held_ = nullptr;    // the group that saves up for the first row,
  std::size_t held_option_ = 0;   //   of that option,
  TimePoint held_until_ = never;  //   when it should fit

  // Scratch of next(): what a survey found.
  std::vector<Option*> open_;
  std::vector<Untried> untried_;
  TimePoint opens_at_ = never;    // earliest time another option opens
  bool first_goes_first_ = true;  // wherever it suits and fits: it is overdue
  bool short_of_room_ = false;    // some option has keys ready, but no row goes there yet,
  bool some_unsuited_ = false;    //   though it has room for the smallest
  std::optional<bool> may_probe_;
};

}  // namespace batchrun

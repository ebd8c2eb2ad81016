#include "runner/routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "io/row_members.h"
#include "io/search_needs.h"
#include "runner/inert.h"
#include "runner/nearest.h"

namespace batchrun {
namespace {

constexpr std::size_t longest_shown = 128;

NoRoute no_route(std::string message, const std::string& near = "") {
  if (!near.empty()) message += "; " + near;
  return {"no_route", std::move(message)};
}

bool listed(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool serves(const Key& key, std::string_view model) {
  return key.models.empty() || listed(key.models, model);
}

bool has_a_tag(const Key& key, const std::vector<std::string>& tags) {
  return tags.empty() ||
         std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return listed(key.tags, tag); });
}

// Length first, so that no text can imitate the border between two.
void append_part(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}

std::string tags_note(const std::vector<std::string>& tags) {
  return tags.empty()
             ? ""
             : fmt::format(" with one of the tags {}", inert(fmt::format("{}", fmt::join(tags, ", ")), 256));
}

// A parameter nobody knows by the name the row gives it: it may be a slip of the pen.
std::string described(Feature missing, const Row& row) {
  std::string member;
  if (missing == Feature::other) {
    const std::string_view sent = row.shape == RowShape::body ? row.body : std::string_view(row.text);
    member = row.shape == RowShape::search ? unknown_search_member(sent) : unknown_member(sent, row.place());
  }
  const std::string what(name(missing));
  return member.empty() ? what : fmt::format("{} ({})", in_quotes(member), what);
}

// All of them, so that the row is mended in one go.
std::string described(FeatureSet missing, const Row& row) {
  std::vector<std::string> words;
  for (; !missing.empty(); missing = missing.without(FeatureSet(missing.first()))) {
    words.push_back(described(missing.first(), row));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

Routing::Routing(const Settings& settings) : settings_(settings), keys_of_(settings.providers.size()) {
  std::set<std::string> models;
  for (std::size_t i = 0; i < settings.providers.size(); ++i) {
    const Provider& provider = settings.providers[i];
    providers_.emplace(provider.name, i);
    provider_names_.push_back(provider.name);
    if (!provider.default_model.empty()) models.insert(provider.default_model);
  }
  for (std::size_t i = 0; i < settings.keys.size(); ++i) {
    const Key& key = settings.keys[i];
    keys_of_[key.provider].push_back(static_cast<std::uint32_t>(i));
    models.insert(key.models.begin(), key.models.end());
  }
  honoured_by_all_ = FeatureSet::all();
  for (const Provider& provider : settings.providers) {
    if (!provider.dialect->serves(Api::chat, provider.endpoint)) continue;
    const FeatureSet honoured = provider.dialect->honours(provider.endpoint);
    honoured_by_all_ = honoured_by_all_.without(FeatureSet::all().without(honoured));
  }
  model_names_.assign(models.begin(), models.end());
}

std::variant<LaneId, NoRoute> Routing::resolve(const Row& row) {
  asked_.clear();
  append_part(asked_, row.route);
  append_part(asked_, row.provider);
  append_part(asked_, row.model);
  for (const std::string& tag : row.tags) append_part(asked_, tag);
  const bool is_chat = row.api == Api::chat;
  const std::uint64_t needs = (is_chat ? row.needs.without(honoured_by_all_) : row.needs).bits();
  asked_ += static_cast<char>(row.api);
  asked_.append(reinterpret_cast<const char*>(&needs), sizeof needs);
  if (last_ && last_->first == asked_) return last_->second;
  if (const auto known = lane_by_wish_.find(std::string_view(asked_)); known != lane_by_wish_.end()) {
    last_ = &*known;
    return known->second;
  }
  if (lane_by_wish_.size() == max_lanes) {
    return no_route(fmt::format("this would be the input's {}th different route", max_lanes + 1));
  }
  Wish wish = wish_of(row);
  unable_.clear();
  one_could_answer_ = false;
  std::variant<LaneSpec, NoRoute> made = make_lane(wish);
  if (NoRoute* refused = std::get_if<NoRoute>(&made)) {
    return with_reasons(std::move(*refused), wish);
  }
  const LaneId lane{static_cast<std::uint32_t>(lane_by_wish_.size())};
  lane_by_wish_.emplace(asked_, lane);
  fresh_.lanes.push_back(std::move(std::get<LaneSpec>(made)));
  return lane;
}

NewLanes Routing::take_new() {
  return std::exchange(fresh_, {});
}

// "provider/model" or "provider,model" with a configured provider in front is both; anything else is a
// model's name.
Routing::Wish Routing::wish_of(const Row& row) const {
  const auto split = [&](std::string_view text, Wish& into) {
    const std::size_t border = text.find_first_of("/,");
    const bool both = border != std::string_view::npos && border + 1 < text.size() &&
                      providers_.find(text.substr(0, border)) != providers_.end();
    into.provider = both ? text.substr(0, border) : std::string_view();
    into.model = both ? text.substr(border + 1) : text;
  };
  Wish wish{row.route, row.provider, row.model, &row.tags, row.api, row.needs, &row};
  if (wish.provider.empty() && !wish.model.empty()) split(row.model, wish);
  if (wish.model.empty() && !settings_.model.empty()) {
    Wish fallback;
    if (settings_.provider.empty()) {
      split(settings_.model, fallback);
    } else {
      fallback.model = settings_.model;
    }
    const bool fits =
        fallback.provider.empty() || wish.provider.empty() || fallback.provider == wish.provider;
    if (fits) wish.model = fallback.model;
    if (fits && wish.provider.empty()) wish.provider = fallback.provider;
  }
  if (wish.provider.empty()) wish.provider = settings_.provider;
  return wish;
}

std::variant<LaneSpec, NoRoute> Routing::make_lane(const Wish& wish) {
  if (!any_key_has(*wish.tags)) {
    return no_route(fmt::format("no key has {} {}", wish.tags->size() == 1 ? "the tag" : "one of the tags",
                                inert(fmt::format("{}", fmt::join(*wish.tags, ", ")), 256)));
  }
  if (!wish.route.empty()) return by_route(wish);
  if (!wish.provider.empty()) return by_provider(wish);
  if (!wish.model.empty()) return by_model(wish);
  return by_defaults(wish);
}

std::variant<LaneSpec, NoRoute> Routing::by_route(const Wish& wish) {
  std::vector<std::string> names;
  for (const Route& route : settings_.routes) {
    names.push_back(route.name);
    if (route.name != wish.route) continue;
    LaneSpec lane{fmt::format("route {}", inert(route.name, longest_shown)), {}};
    for (const auto& [provider, model] : route.candidates) add_model(lane, provider, model, wish);
    if (!lane.candidates.empty()) return lane;
    return no_route(
        fmt::format("no key{} serves a model of the route {}", tags_note(*wish.tags), in_quotes(wish.route)));
  }
  return no_route(fmt::format("there is no route {}", in_quotes(wish.route)),
                  did_you_mean(wish.route, names));
}

std::variant<LaneSpec, NoRoute> Routing::by_provider(const Wish& wish) {
  const auto found = providers_.find(wish.provider);
  if (found == providers_.end()) {
    return no_route(fmt::format("there is no provider {} in this pool", in_quotes(wish.provider)),
                    did_you_mean(wish.provider, provider_names_));
  }
  const std::size_t provider = found->second;
  const std::string& name = settings_.providers[provider].name;
  LaneSpec lane{fmt::format("{}/{}", name, wish.model.empty() ? "default" : inert(wish.model, longest_shown)),
                {}};
  if (keys_of_[provider].empty()) return no_route(fmt::format("no key of {} is in use", name));
  if (!wish.model.empty()) {
    add_model(lane, provider, wish.model, wish);
  } else {
    add_default(lane, provider, wish);
  }
  if (!lane.candidates.empty()) return lane;
  if (wish.model.empty()) {
    return no_route(
        fmt::format("no model is named, and no key of {}{} has a default one", name, tags_note(*wish.tags)));
  }
  return no_route(
      fmt::format("no key of {}{} serves the model {}", name, tags_note(*wish.tags), in_quotes(wish.model)),
      did_you_mean(wish.model, model_names_));
}

std::variant<LaneSpec, NoRoute> Routing::by_model(const Wish& wish) {
  const std::string_view provider = wish.model.substr(0, wish.model.size() - 1);
  const bool ends_after_provider = wish.model.ends_with('/') || wish.model.ends_with(',');
  if (ends_after_provider && providers_.find(provider) != providers_.end()) {
    return no_route(fmt::format("{} names a provider and no model", in_quotes(wish.model)));
  }
  LaneSpec lane{inert(wish.model, longest_shown), {}};
  bool known = false;
  for (std::size_t i = 0; i < settings_.providers.size(); ++i) {
    if (!knows(i, wish.model)) continue;
    known = true;
    add_model(lane, i, wish.model, wish);
  }
  if (!known) {
    const bool priced = sold_by_some(wish.model);
    for (std::size_t i = 0; i < settings_.providers.size(); ++i) {
      if (!priced || sells(i, wish.model)) add_model(lane, i, wish.model, wish);
    }
  }
  if (!lane.candidates.empty()) return lane;
  return no_route(fmt::format("no key{} serves the model {}", tags_note(*wish.tags), in_quotes(wish.model)),
                  did_you_mean(wish.model, model_names_));
}

std::variant<LaneSpec, NoRoute> Routing::by_defaults(const Wish& wish) {
  LaneSpec lane{wish.api == Api::search ? "searches" : "default models", {}};
  for (std::size_t i = 0; i < settings_.providers.size(); ++i) add_default(lane, i, wish);
  if (!lane.candidates.empty()) return lane;
  return no_route(
      fmt::format("no model is named, and no key{} has a default one (-m, or default_model in the config)",
                  tags_note(*wish.tags)));
}

void Routing::add_model(LaneSpec& lane, std::size_t provider, std::string_view model, const Wish& wish) {
  if (!can_answer(provider, wish)) return;
  for (const std::uint32_t number : keys_of_[provider]) {
    const Key& key = settings_.keys[number];
    if (serves(key, model) && has_a_tag(key, *wish.tags)) {
      lane.candidates.push_back({KeyId{number}, model_number(model)});
    }
  }
}

void Routing::add_default(LaneSpec& lane, std::size_t provider, const Wish& wish) {
  const std::string& configured = settings_.providers[provider].default_model;
  if (!configured.empty() && wish.api != Api::search) return add_model(lane, provider, configured, wish);
  if (!can_answer(provider, wish)) return;
  for (const std::uint32_t number : keys_of_[provider]) {
    const Key& key = settings_.keys[number];
    if (!has_a_tag(key, *wish.tags)) continue;
    if (wish.api == Api::search) {  // has no models
      lane.candidates.push_back({KeyId{number}, model_number("")});
    } else if (!key.models.empty()) {
      lane.candidates.push_back({KeyId{number}, model_number(key.models.front())});
    }
  }
}

bool Routing::any_key_has(const std::vector<std::string>& tags) const {
  return tags.empty() || std::any_of(settings_.keys.begin(), settings_.keys.end(),
                                     [&](const Key& key) { return has_a_tag(key, tags); });
}

// Notes a provider that cannot.
bool Routing::can_answer(std::size_t number, const Wish& wish) {
  const Provider& provider = settings_.providers[number];
  if (provider.dialect->serves(wish.api, provider.endpoint) &&
      wish.needs.without(provider.dialect->honours(provider.endpoint)).empty()) {
    one_could_answer_ = one_could_answer_ || !keys_of_[number].empty();
    return true;
  }
  if (!keys_of_[number].empty() && std::find(unable_.begin(), unable_.end(), number) == unable_.end())
    unable_.push_back(number);
  return false;
}

// Of providers that have nothing to do with such a row only where there are no others.
NoRoute Routing::with_reasons(NoRoute refused, const Wish& wish) const {
  std::vector<std::string> lacks, others;
  for (const std::size_t number : unable_) {
    const Provider& provider = settings_.providers[number];
    if (!provider.dialect->serves(wish.api, provider.endpoint)) {
      others.push_back(fmt::format("{} does not answer {}", provider.name, name(wish.api)));
    } else {
      const FeatureSet missing = wish.needs.without(provider.dialect->honours(provider.endpoint));
      lacks.push_back(fmt::format("{} cannot honour {}", provider.name, described(missing, *wish.row)));
    }
  }
  if (lacks.empty() && one_could_answer_) return refused;
  const std::vector<std::string>& reasons = lacks.empty() ? others : lacks;
  if (reasons.empty()) return refused;
  const std::string start =
      one_could_answer_ ? refused.message : "no candidate can answer this row as it asks";
  return no_route(fmt::format("{}: {}", start, fmt::join(reasons, "; ")));
}

bool Routing::knows(std::size_t provider, std::string_view model) const {
  const std::vector<std::uint32_t>& keys = keys_of_[provider];
  return settings_.providers[provider].default_model == model ||
         std::any_of(keys.begin(), keys.end(),
                     [&](std::uint32_t key) { return listed(settings_.keys[key].models, model); });
}

// By the price table: a model that it has is not asked for elsewhere.
bool Routing::sells(std::size_t provider, std::string_view model) const {
  return settings_.prices && settings_.prices->names(settings_.providers[provider].price_name, model);
}

bool Routing::sold_by_some(std::string_view model) const {
  for (std::size_t i = 0; i < settings_.providers.size(); ++i) {
    if (sells(i, model)) return true;
  }
  return false;
}

std::uint32_t Routing::model_number(std::string_view name) {
  if (const auto known = model_by_name_.find(name); known != model_by_name_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(models_.size());
  models_.emplace_back(name);
  fresh_.models.emplace_back(name);
  model_by_name_.emplace(name, number);
  return number;
}

}  // namespace batchrun

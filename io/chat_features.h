// What a chat or search row asks of the provider that answers it, beyond plain text: the parameters that
// change an answer and the parts a message can have. A provider that cannot honour one of them is no
// candidate for the row. Pure.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace batchrun {

enum class Feature : std::uint8_t {
  image_url,     // an image by its address
  image_data,    // an image as a data: URL
  image_detail,  // how closely to look at it, other than "auto"
  audio,         // input_audio part, audio, modalities
  file,          // file part
  late_system,   // a system or developer message that is not among the first
  message_name,
  tools,
  strict_tools,  // calls that are sure to fit the schema
  tool_choice,
  serial_tool_calls,  // parallel_tool_calls: false
  functions,          // functions, function_call: the older form of tools
  json_object,        // response_format
  json_schema,
  stop,
  stop_over_4,  // more than four, more than five stop sequences
  stop_over_5,
  stop_blank,  // a stop sequence of nothing but white space
  seed,
  choices,  // n above 1
  temperature,
  temperature_over_1,
  top_p,
  top_k,
  min_p,
  frequency_penalty,
  presence_penalty,
  repetition_penalty,
  logit_bias,
  logprobs,
  reasoning_effort,
  reasoning_off,        // reasoning_effort "none"
  reasoning_minimal,    // "minimal"
  reasoning_over_high,  // "xhigh", "max"
  service_tier,
  prediction,
  web_search,
  verbosity,
  user,      // user, safety_identifier
  metadata,  // metadata of the provider's own, inside of a batch line's body
  store,
  prompt_cache,
  serpapi_parameter,  // of a search: only SerpApi has it
  serper_parameter,   // only Serper has it
  other,              // a member this program does not know
  other_value,        // a value it does not know: of a role, a type, ...
};
inline constexpr int features = 46;

// The parameter as the row writes it, for messages: "seed", "an image by URL".
std::string_view name(Feature feature);

class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  template <class... Features>
  constexpr explicit FeatureSet(Feature first, Features... rest) {
    add(first);
    (add(rest), ...);
  }
  static constexpr FeatureSet all() { return FeatureSet((std::uint64_t{1} << features) - 1); }

  constexpr void add(Feature feature) { bits_ |= bit(feature); }
  constexpr void add(FeatureSet others) { bits_ |= others.bits_; }
  constexpr bool has(Feature feature) const { return (bits_ & bit(feature)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint64_t bits() const { return bits_; }
  // Those of this set that are not in `other`.
  constexpr FeatureSet without(FeatureSet other) const { return FeatureSet(bits_ & ~other.bits_); }
  // REQUIRES: !empty().
  constexpr Feature first() const { return static_cast<Feature>(std::countr_zero(bits_)); }
  friend constexpr bool operator==(FeatureSet, FeatureSet) = default;

 private:
  constexpr explicit FeatureSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr std::uint64_t bit(Feature feature) {
    return std::uint64_t{1} << static_cast<unsigned>(feature);
  }
  std::uint64_t bits_ = 0;
};

}  // namespace batchrun

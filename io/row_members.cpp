#include "io/row_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "io/ascii.h"
#include "io/json_members.h"
#include "io/json_text.h"

namespace batchrun {
namespace {

constexpr std::array<std::string_view, member_names> texts = {
    "audio",
    "modalities",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "response_format",
    "stop",
    "seed",
    "n",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "reasoning",
    "service_tier",
    "prediction",
    "web_search_options",
    "verbosity",
    "user",
    "safety_identifier",
    "store",
    "prompt_cache_key",
    "metadata",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "custom_id",
    "id",
    "method",
    "url",
    "body",
    "messages",
    "prompt",
    "system",
    "provider",
    "model",
    "route",
    "tags",
    "priority",
    "batchrun",
    "request",
    "query",
    "contents",
    "input",
    "stream",
    "stream_options",
    "generationConfig",
    "options",
};

// A hash under which all of these differ, so that one comparison tells: rows are read at a rate where a
// search shows. Its factors are looked for while this is compiled.
constexpr std::size_t slot_count = 256;
struct Factors {
  unsigned first, last, middle;
};
constexpr std::size_t slot_of(std::string_view text, Factors f) {
  return (static_cast<unsigned char>(text.front()) * f.first +
          static_cast<unsigned char>(text.back()) * f.last +
          static_cast<unsigned char>(text[text.size() / 2]) * f.middle + text.size()) %
         slot_count;
}
constexpr bool tells_apart(Factors f) {
  std::array<bool, slot_count> taken{};
  for (const std::string_view text : texts) {
    bool& slot = taken[slot_of(text, f)];
    if (slot) return false;
    slot = true;
  }
  return true;
}
constexpr Factors find_factors() {
  for (unsigned first = 1; first < 64; first += 2) {
    for (unsigned last = 1; last < 64; last += 2) {
      for (unsigned middle = 1; middle < 64; middle += 2) {
        if (tells_apart({first, last, middle})) return {first, last, middle};
      }
    }
  }
  throw "no factors tell the names apart";  // stops the compilation
}
constexpr Factors factors = find_factors();

constexpr std::array<MemberName, slot_count> make_slots() {
  std::array<MemberName, slot_count> slots{};
  slots.fill(MemberName::none);
  for (std::size_t i = 0; i < texts.size(); ++i)
    slots[slot_of(texts[i], factors)] = static_cast<MemberName>(i);
  return slots;
}
constexpr std::array<MemberName, slot_count> slots = make_slots();

MemberName name_of(std::string_view text) {
  if (text.empty()) return MemberName::none;
  const MemberName name = slots[slot_of(text, factors)];
  return name != MemberName::none && texts[static_cast<std::size_t>(name)] == text ? name : MemberName::none;
}

template <class... Names>
constexpr std::uint64_t bits_of(Names... names) {
  return ((std::uint64_t{1} << static_cast<unsigned>(names)) | ...);
}

// Words of other shapes of row, which nobody reads in this place.
constexpr std::uint64_t foreign_to(BodyPlace place) {
  using enum MemberName;
  constexpr std::uint64_t anywhere = bits_of(max_output_tokens, method, url, body, batchrun, request, query,
                                             contents, input, generationConfig, options);
  constexpr std::uint64_t own = bits_of(custom_id, id, prompt, system, provider, route, tags, priority);
  return place == BodyPlace::in_batch_line ? anywhere | own : anywhere;
}

constexpr std::uint64_t words_of_bodies() {
  using enum MemberName;
  constexpr std::uint64_t parameters = bits_of(metadata) - 1;  // all that come before it
  return parameters | bits_of(max_tokens, max_completion_tokens, max_output_tokens, messages, prompt, system,
                              query, contents, input, generationConfig, options);
}

// Members by which a row would choose where a credential goes. OpenAI-compatible proxies have sent their keys
// to wherever such a member of a request said (CVE-2024-6587).
bool names_destination(std::string_view name) {
  constexpr std::array<std::string_view, 22> words = {
      "host",        "headers",  "header",  "extra_headers", "default_headers", "api_base",
      "apibase",     "base_url", "baseurl", "base_path",     "endpoint",        "api_url",
      "api_key",     "apikey",   "api-key", "x-api-key",     "authorization",   "credential",
      "credentials", "proxy",    "proxies", "access_token"};
  constexpr std::string_view initials = "abcdehpxABCDEHPX";
  if (name.size() < 4 || name.size() > 15 || initials.find(name.front()) == std::string_view::npos)
    return false;
  return std::any_of(words.begin(), words.end(),
                     [name](std::string_view word) { return ascii::same(name, word); });
}

}  // namespace

std::string shown(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain && text.size() <= 80 ? fmt::format("'{}'", text) : std::string("the one given");
}

std::string_view text_of(MemberName name) {
  return texts[static_cast<std::size_t>(name)];
}

std::string unknown_member(std::string_view object, BodyPlace place) {
  return find_name(object, [place](std::string_view text) {
    const MemberName name = name_of(text);
    return name == MemberName::none || (bits_of(name) & foreign_to(place)) != 0;
  });
}

bool RowMembers::has_unknown(BodyPlace place) const {
  return unknown_ || (given_ & foreign_to(place)) != 0;
}

MemberName RowMembers::outside_its_body() const {
  const std::uint64_t found = given_ & words_of_bodies();
  return found == 0 ? MemberName::none : static_cast<MemberName>(std::countr_zero(found));
}

std::optional<RowRefusal> RowMembers::read(const JsonTokens& tokens, JsonTokens::Value object) {
  std::optional<RowRefusal> refusal;
  const auto refuse = [&](const ObjectWalk& walk, std::string message) {
    if (!refusal) refusal = RowRefusal{tokens.offset(walk.name_token()), std::move(message)};
  };
  std::uint64_t seen = 0;
  std::string decoded;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    std::string_view text = walk.name();
    if (tokens.has_escapes()) text = json_unescaped(text, decoded);
    const MemberName name = name_of(text);
    if (name == MemberName::none) {
      unknown_ = true;
      if (names_destination(text)) {
        refuse(walk, fmt::format("{} is refused: a row may not choose a host, a header or a credential",
                                 shown(text)));
      }
      continue;
    }
    if ((seen & bits_of(name)) != 0) {
      refuse(walk, fmt::format("{} is given twice", shown(text)));
      continue;
    }
    seen |= bits_of(name);
    if (tokens.first(walk.value()) == 'n') continue;
    values_[static_cast<std::size_t>(name)] = walk.value();
    given_ |= bits_of(name);
  }
  return refusal;
}

}  // namespace batchrun

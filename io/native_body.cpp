#include "io/native_body.h"

#include <algorithm>
#include <array>

#include "io/json_text.h"
#include "io/reply_json.h"

namespace batchrun {
namespace {

using Value = JsonTokens::Value;

constexpr std::size_t longest_word = 4096;  // without a space: no text, but an image or the like in base64

// Members that hold an image or a file, or say where it is: Anthropic's source, Gemini's inlineData and
// fileData, image_url and the like of OpenAI's responses.
bool names_media(std::string_view name) {
  constexpr std::array<std::string_view, 8> names = {"data",      "url",     "image_url", "file_url",
                                                     "file_data", "file_id", "fileUri",   "file_uri"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_base64(std::string_view inner) {
  return inner.size() > longest_word && inner.substr(0, longest_word).find(' ') == std::string_view::npos;
}

std::uint64_t number_in(const JsonTokens& tokens, Value object, std::string_view name) {
  if (tokens.first(object) != '{') return 0;
  for (ObjectWalk walk(tokens, object); walk.next();) {
    if (walk.name() == name) return count_of(tokens, walk.value()).value_or(0);
  }
  return 0;
}

std::uint64_t max_output_tokens(const JsonTokens& tokens, const RowMembers& members) {
  for (const MemberName name :
       {MemberName::max_tokens, MemberName::max_completion_tokens, MemberName::max_output_tokens}) {
    if (members.has(name)) return count_of(tokens, members[name]).value_or(0);
  }
  if (members.has(MemberName::generationConfig))
    return number_in(tokens, members[MemberName::generationConfig], "maxOutputTokens");
  if (members.has(MemberName::options)) return number_in(tokens, members[MemberName::options], "num_predict");
  return 0;
}

}  // namespace

NativeSizes sizes_of_native_body(const JsonTokens& tokens, Value body, const RowMembers& members) {
  NativeSizes sizes;
  const std::uint32_t end = tokens.after(body);
  for (std::uint32_t token = body; token < end; ++token) {
    if (tokens.token(token) != '"') continue;
    const bool is_name = token + 1 < end && tokens.token(token + 1) == ':';
    if (is_name) continue;
    const std::string_view text = tokens.inner(token);
    const bool is_media =
        is_base64(text) || (tokens.token(token - 1) == ':' && names_media(tokens.inner(token - 2)));
    sizes.media_count += is_media ? 1 : 0;
    sizes.content_bytes += is_media ? bytes_of_an_image : static_cast<std::uint32_t>(text.size());
  }
  // Of tools the model reads the names in their schemas too.
  if (members.has(MemberName::tools))
    sizes.content_bytes += static_cast<std::uint32_t>(tokens.raw(members[MemberName::tools]).size());
  sizes.max_output_tokens = max_output_tokens(tokens, members);
  return sizes;
}

}  // namespace batchrun

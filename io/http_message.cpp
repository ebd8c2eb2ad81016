#include "io/http_message.h"

#include "io/ascii.h"
#include "io/json_text.h"

namespace batchrun {

void Origin::append_authority(std::string& out) const {
  const bool literal_v6 = host.find(':') != std::string::npos;
  if (literal_v6) out += '[';
  out += host;
  if (literal_v6) out += ']';
  const std::uint16_t usual_port = tls ? 443 : 80;
  if (port == usual_port) return;
  out += ':';
  append_json_number(out, port);
}

std::string Origin::authority() const {
  std::string result;
  append_authority(result);
  return result;
}

std::string Origin::url() const {
  return (tls ? "https://" : "http://") + authority();
}

void ResponseHead::add(std::string_view name, std::string_view value) {
  if (fields_.empty()) {  // room for what providers send: it is not asked for piece by piece
    text_.reserve(512);
    fields_.reserve(16);
  }
  const auto at = static_cast<std::uint32_t>(text_.size());
  const auto name_size = static_cast<std::uint32_t>(name.size());
  text_.append(name).append(value);
  fields_.push_back({at, name_size, at + name_size, static_cast<std::uint32_t>(value.size())});
}

std::string_view ResponseHead::field(std::string_view name) const {
  const std::string_view text = text_;
  for (const Field& field : fields_) {
    if (field.name_size == name.size() && ascii::same(text.substr(field.name, field.name_size), name)) {
      return text.substr(field.value, field.value_size);
    }
  }
  return {};
}

}  // namespace batchrun

#include "runner/keys.h"

#include <fmt/core.h>

#include <algorithm>

#include "runner/diagnostics.h"
#include "runner/exit_code.h"
#include "runner/keys_table.h"
#include "runner/make_settings.h"

namespace batchrun {
namespace {

int no_usable_key(std::string_view message, std::string_view hint) {
  fmt::print(stderr, "{}", render_error(message, "", hint, false));
  return static_cast<int>(ExitCode::no_usable_key);
}

bool any_configured(const Settings& settings) {
  const auto& providers = settings.configured.providers;
  return std::any_of(providers.begin(), providers.end(), [](const auto& one) { return !one.keys.empty(); });
}

int print_checks(const Settings& settings) {
  const std::vector<KeyCheck> checks = check_keys(settings);
  fmt::print("{}", render_key_checks(settings, checks));
  const auto good = [](const KeyCheck& check) { return check.verdict == Verdict::ok; };
  const auto can_be_used = [](const KeyCheck& check) { return usable(check.verdict); };
  if (std::all_of(checks.begin(), checks.end(), good)) return static_cast<int>(ExitCode::ok);
  if (std::none_of(checks.begin(), checks.end(), can_be_used)) return no_usable_key("no key can be used", "");
  return static_cast<int>(ExitCode::rows_failed);
}

}  // namespace

int print_keys(const Settings& settings) {
  for (const std::string& notice : settings.notices) {
    if (!settings.quiet) fmt::print(stderr, "{}", render_note(notice, false));
  }
  if (!any_configured(settings)) return no_usable_key("no API key is configured", no_key_hint);
  if (!settings.keys.empty() && settings.verb == Verb::check_keys) return print_checks(settings);
  fmt::print("{}", render_keys(settings));
  if (settings.keys.empty()) {
    return no_usable_key("no key can be used", "those that are listed are switched off");
  }
  return static_cast<int>(ExitCode::ok);
}

}  // namespace batchrun

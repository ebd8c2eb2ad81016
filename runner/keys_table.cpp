#include "runner/keys_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "runner/inert.h"
#include "runner/quantity.h"

namespace batchrun {
namespace {

constexpr std::size_t longest_cell = 48;

// Cells in columns as wide as their widest; the last column is not padded. Notes stand under their row.
class Table {
 public:
  void add(std::vector<std::string> cells, std::string note = "") {
    rows_.push_back({std::move(cells), std::move(note)});
  }

  std::string render() const {
    std::vector<std::size_t> widths;
    for (const Row& row : rows_) {
      widths.resize(std::max(widths.size(), row.cells.size()));
      for (std::size_t i = 0; i < row.cells.size(); ++i)
        widths[i] = std::max(widths[i], columns(row.cells[i]));
    }
    std::string out;
    for (const Row& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        line += row.cells[i];
        line.append(widths[i] - columns(row.cells[i]) + 2, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
      if (!row.note.empty()) out += "    " + row.note + "\n";
    }
    return out;
  }

 private:
  struct Row {
    std::vector<std::string> cells;
    std::string note;
  };
  // Characters, not bytes.
  static std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  }
  std::vector<Row> rows_;
};

std::string_view unit(Dimension dimension) {
  static constexpr std::array<std::string_view, dimensions> units{"RPM",        "TPM", "input TPM",
                                                                  "output TPM", "RPD", "TPD"};
  return units[static_cast<std::size_t>(dimension)];
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator, std::string_view none) {
  return parts.empty() ? std::string(none) : fmt::format("{}", fmt::join(parts, separator));
}

// "500 RPM 90.0k TPM 64 open".
template <class Limits>
std::string limits_text(const Limits& limit_of, std::uint32_t open, std::string_view none) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const auto dimension = static_cast<Dimension>(i);
    const std::optional<double> limit = limit_of(dimension);
    if (limit) parts.push_back(fmt::format("{} {}", format_short(*limit), unit(dimension)));
  }
  if (open > 0) parts.push_back(fmt::format("{} open", open));
  return joined(parts, " ", none);
}

std::string limits_of(const Settings& settings, const KeyConfig& key, std::size_t in_use) {
  if (key.left_out.empty()) {
    const GroupSpec& group = settings.pool.groups[settings.pool.keys[in_use].group.value];
    return limits_text([&](Dimension d) { return group.limits[static_cast<std::size_t>(d)]; },
                       group.max_concurrent, "from replies");
  }
  return limits_text([&](Dimension d) { return key.limits.per_window[static_cast<std::size_t>(d)]; },
                     key.limits.max_concurrent.value_or(0), "-");
}

std::string cell(std::string_view text, std::string_view none = "-") {
  return text.empty() ? std::string(none) : inert(text, longest_cell);
}

// Calls `show(provider, key, number)` for each configured key; `number` is its place in settings.keys, if it
// is in use.
template <class Show>
void for_each_key(const Settings& settings, Show show) {
  std::size_t in_use = 0;
  for (const ProviderConfig& provider : settings.configured.providers) {
    for (const KeyConfig& key : provider.keys) {
      show(provider, key, in_use);
      in_use += key.left_out.empty();
    }
  }
}

}  // namespace

std::string render_keys(const Settings& settings) {
  Table table;
  table.add({"key", "provider", "group", "tier", "priority", "state", "models", "tags", "limits"});
  for_each_key(settings, [&](const ProviderConfig& provider, const KeyConfig& key, std::size_t in_use) {
    table.add({cell(key.alias), provider.name, cell(key.group, "its own"),
               std::to_string(provider.tier.value_or(0)), std::to_string(key.priority),
               key.left_out.empty() ? "in use" : key.left_out, cell(joined(key.models, ", ", "any")),
               cell(joined(key.tags, ", ", "-")), limits_of(settings, key, in_use)});
  });
  return table.render();
}

std::string render_key_checks(const Settings& settings, const std::vector<KeyCheck>& checks) {
  Table table;
  table.add({"key", "provider", "group", "answer", "status", "time", "organisation", "limits of the reply"});
  for_each_key(settings, [&](const ProviderConfig& provider, const KeyConfig& key, std::size_t in_use) {
    if (!key.left_out.empty()) {
      table.add({cell(key.alias), provider.name, cell(key.group, "its own"), "not tried: " + key.left_out});
      return;
    }
    const KeyCheck& check = checks[in_use];
    table.add(
        {cell(key.alias), provider.name, cell(key.group, "its own"), std::string(name(check.verdict)),
         check.status == 0 ? "-" : std::to_string(check.status), format_duration(check.latency),
         cell(check.organization), limits_text([&](Dimension d) { return check.limits[d].limit; }, 0, "-")},
        check.message);
  });
  return table.render();
}

}  // namespace batchrun

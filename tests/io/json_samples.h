// Random JSON for tests, from a seed.
#pragma once

#include <random>
#include <string>

namespace batchrun::testing {

class JsonSamples {
 public:
  explicit JsonSamples(std::uint32_t seed) : random_(seed) {}

  std::string object(int depth = 0) {
    std::string out = "{" + space();
    for (std::uint32_t i = 0, members = pick(5); i < members; ++i) {
      if (i > 0) out += "," + space();
      out += string() + space() + ":" + space() + value(depth + 1) + space();
    }
    return out + "}";
  }

  std::string value(int depth) {
    switch (pick(depth > 4 ? 6 : 8)) {
      case 0:
        return "true";
      case 1:
        return "null";
      case 2:
        return number();
      case 6:
        return object(depth);
      case 7:
        return array(depth);
      default:
        return string();
    }
  }

  // The text with one to three bytes changed, left out or put in.
  std::string spoiled(std::string text) {
    static constexpr char bytes[] = "{}[]:,\"\\0-1.eE+tfn u\x01\x1f\x80\xC3\xFF\n\r\t/d8";
    for (std::uint32_t i = 0, changes = 1 + pick(3); i < changes; ++i) {
      const std::size_t place = pick(static_cast<std::uint32_t>(text.size()) + 1);
      const char byte = bytes[pick(sizeof bytes - 1)];
      const std::uint32_t how = pick(3);
      if (how == 0) text.insert(place, 1, byte);
      if (how == 1 && place < text.size()) text.erase(place, 1);
      if (how == 2 && place < text.size()) text[place] = byte;
    }
    return text;
  }

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

 private:
  std::string array(int depth) {
    std::string out = "[" + space();
    for (std::uint32_t i = 0, elements = pick(4); i < elements; ++i) {
      if (i > 0) out += "," + space();
      out += value(depth + 1) + space();
    }
    return out + "]";
  }
  std::string string() {
    static constexpr const char* pieces[] = {
        "a",
        "key",
        " ",
        "\xC3\xA9",
        "\xF0\x9F\x98\x80",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u0041",
        "\\uD83D\\uDE00",
        "{}[],:",
        "longer than any vector register is wide, and then some more to be sure"};
    std::string out = "\"";
    for (std::uint32_t i = 0, count = pick(4); i < count; ++i) out += pieces[pick(12)];
    return out + "\"";
  }
  std::string number() {
    static constexpr const char* numbers[] = {"0",   "-0",   "12",   "-3.5",
                                              "1e5", "2E-3", "0.25", "18446744073709551615"};
    return numbers[pick(8)];
  }
  std::string space() {
    static constexpr const char* spaces[] = {"", "", "", " ", "\t", "\r ", "  \n"};
    return spaces[pick(7)];
  }

  std::mt19937 random_;
};

}  // namespace batchrun::testing

#include "io/credential.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <type_traits>

namespace batchrun {
namespace {

const std::string secret = "sk-canary-4f9A8b7C6d5E4f3G2h1J";

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(Credential, CannotBePrintedOrTurnedIntoAString) {
  EXPECT_FALSE((std::is_convertible_v<Credential, std::string>));
  EXPECT_FALSE((std::is_convertible_v<Credential, std::string_view>));
  EXPECT_FALSE(Printable<Credential>);
}

TEST(Credential, FitsAHeaderOnlyWithVisibleAscii) {
  EXPECT_TRUE(Credential(secret).fits_header());
  for (int c = 0; c < 256; ++c) {
    const bool visible = c > 0x20 && c < 0x7f;
    EXPECT_EQ(Credential(std::string("ab") + static_cast<char>(c)).fits_header(), visible) << c;
  }
}

TEST(Credential, GoesOutOnlyAtTheEndOfAHead) {
  std::string head = "Authorization: Bearer ";
  Credential(secret).append_to(head);
  EXPECT_EQ(head, "Authorization: Bearer " + secret);
}

TEST(Credential, RedactsTheWholeSecretAndLongPieces) {
  const Credential credential(secret);
  EXPECT_EQ(credential.redact("key " + secret + " refused"), "key [key] refused");
  EXPECT_EQ(credential.redact(secret + secret), "[key]");
  EXPECT_EQ(credential.redact("..." + secret.substr(5, 8) + "..."), "...[key]...");
  EXPECT_EQ(credential.redact("..." + secret.substr(5, 7) + "..."), "..." + secret.substr(5, 7) + "...");
  EXPECT_EQ(credential.redact(""), "");
  EXPECT_EQ(credential.redact("nothing of it"), "nothing of it");
}

TEST(Credential, RedactsAShortSecretOnlyWhole) {
  const Credential credential("abc");
  EXPECT_EQ(credential.redact("xabcxabx"), "x[key]xabx");
  EXPECT_EQ(credential.redact("ab"), "ab");
  EXPECT_EQ(Credential("").redact("ab"), "ab");
}

// However a text is put together from pieces of the secret, no 8 bytes of it are left.
TEST(Credential, LeavesNoEightBytesOfTheSecretInAnyText) {
  const Credential credential(secret);
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (int piece = 0; piece < 6; ++piece) {
      const std::size_t from = random() % secret.size();
      text += secret.substr(from, random() % 14);
      if (random() % 2) text += "- ";
    }
    const std::string redacted = credential.redact(text);
    for (std::size_t i = 0; i + 8 <= secret.size(); ++i) {
      ASSERT_EQ(redacted.find(secret.substr(i, 8)), std::string::npos) << "seed " << seed << ": " << text;
    }
  }
}

TEST(Credential, WipesItsBytesWhenItDies) {
  // A short secret lies in the object itself, also after a move: the memory is ours to look at.
  alignas(Credential) unsigned char place[sizeof(Credential)];
  auto* credential = new (place) Credential("sk-short-1234");
  const Credential moved(std::move(*credential));
  credential->~Credential();
  const std::string_view bytes(reinterpret_cast<const char*>(place), sizeof place);
  EXPECT_EQ(bytes.find("k-short"), std::string_view::npos);
  EXPECT_EQ(bytes.find("1234"), std::string_view::npos);
}

}  // namespace
}  // namespace batchrun

#include "io/byte_source.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <random>

#include "tests/support/scratch_dir.h"

namespace batchrun {
namespace {

// Writes a file into the working directory and gives its name back.
std::string written(const ScratchDir& scratch, const std::string& name, const std::string& content) {
  scratch.write(name, content);
  return name;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string some_text(std::size_t size) {
  std::mt19937 random(3);
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(random() % 1000) + "\n";
  return text;
}

std::string read_all(const std::string& path, std::size_t piece = 1000) {
  const auto source = open_byte_source(path);
  std::string out, buffer(piece, '\0');
  while (const std::size_t got = source->read(buffer.data(), buffer.size())) out.append(buffer, 0, got);
  EXPECT_EQ(source->read(buffer.data(), buffer.size()), 0u);
  EXPECT_EQ(source->bytes_read(), std::filesystem::file_size(path));
  EXPECT_EQ(source->bytes_total(), std::filesystem::file_size(path));
  return out;
}

std::string message_of(const std::string& path) {
  try {
    read_all(path);
  } catch (const InputError& error) {
    return error.message;
  }
  return "";
}

TEST(ByteSource, ReadsPlainAndPackedByNameOrFirstBytes) {
  const ScratchDir scratch;
  const std::string text = some_text(600'000);
  for (const std::size_t piece : {1u, 4096u, 1u << 20}) {
    const std::string expected = piece == 1 ? text.substr(0, 3000) : text;
    EXPECT_EQ(read_all(written(scratch, "a.jsonl", expected), piece), expected);
    EXPECT_EQ(read_all(written(scratch, "a.jsonl.gz", gzip(expected)), piece), expected);
    EXPECT_EQ(read_all(written(scratch, "a.jsonl.zst", zstd(expected)), piece), expected);
    EXPECT_EQ(read_all(written(scratch, "gzip-without-name", gzip(expected)), piece), expected);
    EXPECT_EQ(read_all(written(scratch, "zstd-without-name", zstd(expected)), piece), expected);
  }
  EXPECT_EQ(read_all(written(scratch, "empty", "")), "");
  EXPECT_EQ(read_all(written(scratch, "short", "{}")), "{}");
}

TEST(ByteSource, ReadsMembersAndFramesOneAfterTheOther) {
  const ScratchDir scratch;
  EXPECT_EQ(read_all(written(scratch, "a.gz", gzip("one\n") + gzip("") + gzip("two\n"))), "one\ntwo\n");
  EXPECT_EQ(read_all(written(scratch, "padded.gz", gzip("one\n") + std::string(700, '\0'))), "one\n");
  EXPECT_EQ(read_all(written(scratch, "a.zst", zstd("one\n") + zstd("") + zstd("two\n"))), "one\ntwo\n");
  const std::string large = some_text(400'000);
  EXPECT_EQ(read_all(written(scratch, "large.gz", gzip(large) + gzip(large)), 100'000), large + large);
}

TEST(ByteSource, SaysWhenPackedDataIsCutAnywhere) {
  const ScratchDir scratch;
  for (const bool use_gzip : {true, false}) {
    const std::string packed = use_gzip ? gzip(some_text(120)) : zstd(some_text(120));
    for (std::size_t size = 0; size < packed.size(); ++size) {
      const std::string name = written(scratch, use_gzip ? "cut.gz" : "cut.zst", packed.substr(0, size));
      EXPECT_NE(message_of(name).find("cannot unpack"), std::string::npos) << size;
    }
  }
}

TEST(ByteSource, SaysWhenPackedDataIsDamaged) {
  const ScratchDir scratch;
  std::string packed = gzip(some_text(5000));
  packed[packed.size() / 2] ^= 0x55;
  EXPECT_NE(message_of(written(scratch, "bad.gz", packed)), "");
  EXPECT_NE(message_of(written(scratch, "plain.gz", "{\"prompt\":\"x\"}\n")), "");
  EXPECT_NE(message_of(written(scratch, "plain.zst", "{\"prompt\":\"x\"}\n")), "");
  EXPECT_NE(message_of(written(scratch, "tail.gz", gzip("one\n") + "garbage")), "");
}

TEST(ByteSource, RefusesWhatIsNoFile) {
  const ScratchDir scratch;
  EXPECT_NE(message_of(scratch.path()).find("directory"), std::string::npos);
  EXPECT_NE(message_of("missing.jsonl").find("No such file"), std::string::npos);
  EXPECT_NE(message_of("/dev/zero").find("device"), std::string::npos);
  EXPECT_NO_THROW(open_byte_source("/dev/null"));
}

TEST(ByteSource, PassesOverWhatIsNotWanted) {
  const ScratchDir scratch;
  const std::string text = some_text(1'000'000);
  for (const std::string& path : {written(scratch, "a.jsonl", text), written(scratch, "a.gz", gzip(text)),
                                  written(scratch, "a.zst", zstd(text))}) {
    for (const std::size_t skipped : {0u, 1u, 3u, 4u, 5u, 300'000u, 999'990u, 2'000'000u}) {
      for (const std::size_t before : {0u, 2u, 1000u}) {
        const auto source = open_byte_source(path);
        std::string head(before, '\0'), rest, buffer(64u << 10, '\0');
        for (std::size_t at = 0; at < before;) at += source->read(head.data() + at, before - at);
        source->skip(skipped);
        while (const std::size_t got = source->read(buffer.data(), buffer.size()))
          rest.append(buffer, 0, got);
        EXPECT_EQ(rest, text.substr(std::min(before + skipped, text.size()))) << path << " " << skipped;
        EXPECT_EQ(source->bytes_read(), std::filesystem::file_size(path));
      }
    }
  }
}

}  // namespace
}  // namespace batchrun

// The bytes of an input, whatever it is packed in: plain, gzip or zstd; a file or stdin. One thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "io/input_error.h"

namespace batchrun {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Up to `size` bytes into `into`; 0 only at the end. Throws InputError when the input cannot be read
  // further: an I/O error, or packed data that is damaged or cut short.
  virtual std::size_t read(char* into, std::size_t size) = 0;
  // Passes over so many bytes, or to the end. Throws as read() does.
  virtual void skip(std::uint64_t octets);

  virtual std::uint64_t bytes_read() const = 0;   // of the file as it lies on disk
  virtual std::uint64_t bytes_total() const = 0;  // 0 when not known (a pipe)
};

// Opens `path` ("-" = stdin). Packed data is known by the name's ending .gz or .zst, else by its first bytes.
// Throws InputError: missing, not permitted, a directory or a device.
// Where somebody sets `stop`, a pipe that has nothing to say is left within a fifth of a second, as if it had
// ended.
std::unique_ptr<ByteSource> open_byte_source(const std::string& path,
                                             const std::atomic<bool>* stop = nullptr);

}  // namespace batchrun

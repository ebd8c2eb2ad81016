// The only writer of an output file while a run goes on: whole lines appended, synced as a group. One thread
// at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/output_file.h"

namespace batchrun {

class ResultWriter {
 public:
  // Goes on at the end of `file`, which any recovery has left on a line boundary and synced.
  explicit ResultWriter(OutputFile file);

  const std::string& path() const { return file_.path(); }

  // Appends whole lines. Throws OutputError after cutting the file back to the last whole line.
  void append(std::string_view lines);

  // Syncs what was appended since the last sync. After a failure the file is cut back to what was synced
  // before, because nobody can tell what of the rest would outlive a power cut; it is never tried again.
  void sync();

  // Of the whole file, what was there before the first append included; of a stream, what this run has
  // written.
  std::uint64_t synced_bytes() const { return synced_; }
  std::uint64_t written_bytes() const { return written_; }

  // Once nothing more is to be written: the file, still locked.
  OutputFile release() && { return std::move(file_); }

 private:
  void refuse_after_failure() const;

  OutputFile file_;
  std::uint64_t written_, synced_;
  bool failed_ = false;
};

}  // namespace batchrun

// The ids of one input's rows, told apart: finds those given twice and numbers those made from equal content.
// Memory is bounded whatever the input's size (id_index.h). One thread; rows in the order of their lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/id_index.h"
#include "io/row.h"
#include "io/row_identity.h"

namespace batchrun {

class RowIds {
 public:
  struct Repeated {
    std::uint32_t occurrence = 0;  // of the id among the input's lines; 2 is the first that repeats it
    std::string why;               // the line is refused
  };
  // Registers an id that a line gives. Nothing if it is new. Throws InputError when the index cannot be kept.
  std::optional<Repeated> give(const IdHash& id, std::uint64_t line);

  // Registers an id made from a row's content. The second and later rows of equal content get ids of their
  // own, "-2", "-3", ..., and the identity that belongs to them. Throws InputError.
  void make(std::string& id, RowIdentity& identity);

  // give() or make(), if it is an id that no row has yet. False: nothing was done.
  bool add_new(const IdHash& id, bool given, std::uint64_t line);

  // For a caller that knows ids ahead: brings what will be looked at into the processor's cache.
  void prefetch(const IdHash& id) const { index_.prefetch(id); }

 private:
  std::optional<std::uint32_t> find_or_add(const IdHash& id, std::uint64_t line);
  std::uint32_t count_repeated(const IdHash& id);

  // Of an id, the line of the row that has it, or how many rows without an id have been given it. Of one that
  // is repeated also, under another hash, how often it has been met.
  IdIndex index_;
};

}  // namespace batchrun

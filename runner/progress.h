// What is said while a run goes on: a bar on a terminal, dated lines elsewhere, JSON for programs.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "runner/run_figures.h"
#include "runner/settings.h"

namespace batchrun {

// The bar: one line without line ending, at most `columns` wide (colour codes not counted).
std::string render_bar(const RunFigures& figures, int columns, bool color);

// One line without a date, no colour, no line ending: rows, rate, tokens per minute against the granted
// budget, how near the best possible, in flight, failed, time left; and what is being waited for, if
// anything.
std::string render_plain(const RunFigures& figures);

// One JSON object on one line, without line ending. `now` is wall time.
std::string render_json(const RunFigures& figures, std::time_t now);

// "2026-11-22T02:15:01Z".
std::string utc_stamp(std::time_t now);

// Decides when to say something. One thread; writes to `fd` at once, never keeps anything back.
class Progress {
 public:
  // `automatic` becomes bar on a terminal that can show one, else plain. Quiet runs pass ProgressMode::none.
  Progress(ProgressMode mode, bool color, int fd);
  ~Progress();  // as finish()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Looks at new figures; call it about ten times a second. The bar is redrawn at most so often; plain and
  // JSON lines come every 10 s, at each 10 % of the rows, and at once when a wait of 2 s or more begins.
  void update(const RunFigures& figures, std::time_t now);

  // One status line now, whatever the mode and the time.
  void status(const RunFigures& figures, std::time_t now);

  // Lines of talk (made inert by the caller, with or without the last LF), above the bar if there is one.
  void say(std::string_view line);

  // Clears the bar: the cursor is at the start of an empty line. May be called twice.
  void finish();

  ProgressMode mode() const { return mode_; }

 private:
  bool due(const RunFigures& figures);
  void draw(const RunFigures& figures);
  void write(std::string_view text);

  ProgressMode mode_;
  bool color_;
  int fd_;
  bool drawn_ = false;
  bool started_ = false;
  bool waiting_said_ = false;
  int tenths_ = 0;
  Duration last_{};
};

}  // namespace batchrun

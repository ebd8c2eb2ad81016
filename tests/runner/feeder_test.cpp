#include "runner/feeder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace batchrun {
namespace {

class FeederTest : public testing::Test {
 protected:
  FeederTest() {
    char name[] = "/tmp/batchrun-feeder-XXXXXX";
    close(mkstemp(name));
    path_ = name;
    Provider provider;
    provider.name = "openai";
    provider.dialect = make_dialect(DialectKind::openai);
    provider.default_model = "m";
    settings_.providers.push_back(std::move(provider));
    Key key;
    key.alias = "openai-1";
    key.models = {"m", "n"};
    settings_.keys.push_back(std::move(key));
    settings_.pool.groups.push_back({"openai-1", {}});
    settings_.pool.keys.push_back({"openai-1", GroupId{0}, 0, 2});
    settings_.input = path_;
  }
  ~FeederTest() override { unlink(path_.c_str()); }

  void write(const std::string& text) { std::ofstream(path_) << text; }

  // Feeds the whole file; what came out, as one intake.
  Intake feed(const DoneRows& done) {
    RowReader reader(path_, RowReaderOptions{});
    IntakeQueue queue(1u << 20);
    Feeder feeder(settings_, reader, done, queue);
    feeder.run();
    failure_ = feeder.failure();
    stopped_ = feeder.max_rows_reached();
    Intake all;
    while (auto part = queue.try_pop()) {
      for (auto& lane : part->lanes.lanes) all.lanes.lanes.push_back(std::move(lane));
      for (auto& row : part->rows) all.rows.push_back(std::move(row));
      for (auto& refused : part->refused) all.refused.push_back(std::move(refused));
      all.rows_read += part->rows_read;
      all.rows_skipped += part->rows_skipped;
    }
    EXPECT_TRUE(queue.ended());
    return all;
  }
  Intake feed() {
    DoneRows none;
    none.seal();
    return feed(none);
  }

  std::string path_;
  Settings settings_;
  std::optional<InputError> failure_;
  bool stopped_ = false;
};

TEST_F(FeederTest, SortsRowsIntoLanesAndRefusesWhatHasNone) {
  write(R"({"custom_id":"a","prompt":"one","max_tokens":5})"
        "\n"
        R"({"custom_id":"b","prompt":"two","model":"n"})"
        "\n"
        "not json\n\n"
        R"({"custom_id":"c","prompt":"three","model":"nowhere"})"
        "\n"
        R"({"custom_id":"d","prompt":"four"})"
        "\n");
  const Intake all = feed();
  EXPECT_EQ(all.rows_read, 5u);
  ASSERT_EQ(all.rows.size(), 3u);
  EXPECT_EQ(all.lanes.lanes.size(), 2u);
  EXPECT_EQ(all.rows[0].lane, all.rows[2].lane);
  EXPECT_NE(all.rows[0].lane, all.rows[1].lane);
  EXPECT_EQ(all.rows[0].max_output_tokens, 5);
  EXPECT_GT(all.rows[0].input_tokens, 0);
  ASSERT_EQ(all.refused.size(), 2u);
  EXPECT_EQ(all.refused[0].code, "invalid_row");
  EXPECT_EQ(all.refused[1].code, "no_route");
  EXPECT_EQ(all.refused[1].custom_id, "c");
}

TEST_F(FeederTest, SkipsWhatIsDoneAndStopsAtAChangedRow) {
  write(R"({"custom_id":"a","prompt":"one"})"
        "\n"
        R"({"custom_id":"b","prompt":"two"})"
        "\n");
  const Intake first = feed();
  ASSERT_EQ(first.rows.size(), 2u);
  DoneRows done;
  done.add(first.rows[0].row->identity);
  done.seal();
  const Intake second = feed(done);
  ASSERT_EQ(second.rows.size(), 1u);
  EXPECT_EQ(second.rows[0].row->custom_id, "b");
  EXPECT_EQ(second.rows_skipped, 1u);

  write(R"({"custom_id":"a","prompt":"one, but other"})"
        "\n"
        R"({"custom_id":"b","prompt":"two"})"
        "\n");
  feed(done);
  ASSERT_TRUE(failure_);
  EXPECT_NE(failure_->hint.find("--changed"), std::string::npos);
  settings_.changed = ChangedRows::rerun;
  EXPECT_EQ(feed(done).rows.size(), 2u);
  settings_.changed = ChangedRows::keep;
  EXPECT_EQ(feed(done).rows.size(), 1u);
}

TEST_F(FeederTest, StopsAtMaxRowsCountingOnlyRowsToSend) {
  std::string text = "broken\n";
  for (int i = 0; i < 100; ++i)
    text += R"({"custom_id":"r)" + std::to_string(i) +
            R"(","prompt":"x"})"
            "\n";
  write(text);
  settings_.max_rows = 7;
  const Intake all = feed();
  EXPECT_EQ(all.rows.size(), 7u);
  EXPECT_EQ(all.refused.size(), 1u);
  EXPECT_TRUE(stopped_);
}

TEST_F(FeederTest, EndsWhenTheQueueIsClosed) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += R"({"custom_id":"r)" + std::to_string(i) +
            R"(","prompt":"x"})"
            "\n";
  write(text);
  RowReader reader(path_, RowReaderOptions{});
  IntakeQueue queue(10);
  DoneRows none;
  none.seal();
  Feeder feeder(settings_, reader, none, queue);
  std::thread thread([&] { feeder.run(); });
  (void)queue.pop(std::chrono::seconds(5));
  queue.close();
  thread.join();
  EXPECT_FALSE(feeder.failure());
}

}  // namespace
}  // namespace batchrun

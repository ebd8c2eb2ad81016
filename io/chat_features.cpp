#include "io/chat_features.h"

namespace batchrun {

std::string_view name(Feature feature) {
  switch (feature) {
    case Feature::image_url:
      return "an image by URL";
    case Feature::image_data:
      return "an image as a data URL";
    case Feature::image_detail:
      return "the detail of an image";
    case Feature::audio:
      return "audio";
    case Feature::file:
      return "a file part";
    case Feature::late_system:
      return "a system message after the first other one";
    case Feature::message_name:
      return "the name of a message";
    case Feature::tools:
      return "tools";
    case Feature::strict_tools:
      return "strict tools";
    case Feature::tool_choice:
      return "tool_choice";
    case Feature::serial_tool_calls:
      return "parallel_tool_calls";
    case Feature::functions:
      return "functions";
    case Feature::json_object:
      return "response_format json_object";
    case Feature::json_schema:
      return "response_format json_schema";
    case Feature::stop:
      return "stop";
    case Feature::stop_over_4:
      return "more than 4 stop sequences";
    case Feature::stop_over_5:
      return "more than 5 stop sequences";
    case Feature::stop_blank:
      return "a stop sequence of white space";
    case Feature::seed:
      return "seed";
    case Feature::choices:
      return "n above 1";
    case Feature::temperature:
      return "temperature";
    case Feature::temperature_over_1:
      return "temperature above 1";
    case Feature::top_p:
      return "top_p";
    case Feature::top_k:
      return "top_k";
    case Feature::min_p:
      return "min_p";
    case Feature::frequency_penalty:
      return "frequency_penalty";
    case Feature::presence_penalty:
      return "presence_penalty";
    case Feature::repetition_penalty:
      return "repetition_penalty";
    case Feature::logit_bias:
      return "logit_bias";
    case Feature::logprobs:
      return "logprobs";
    case Feature::reasoning_effort:
      return "reasoning_effort";
    case Feature::reasoning_off:
      return "reasoning_effort none";
    case Feature::reasoning_minimal:
      return "reasoning_effort minimal";
    case Feature::reasoning_over_high:
      return "reasoning_effort above high";
    case Feature::service_tier:
      return "service_tier";
    case Feature::prediction:
      return "prediction";
    case Feature::web_search:
      return "web_search_options";
    case Feature::verbosity:
      return "verbosity";
    case Feature::user:
      return "user";
    case Feature::metadata:
      return "metadata in the body";
    case Feature::store:
      return "store";
    case Feature::prompt_cache:
      return "prompt_cache_key";
    case Feature::serpapi_parameter:
      return "a parameter that only SerpApi has";
    case Feature::serper_parameter:
      return "a parameter that only Serper has";
    case Feature::other:
      return "a parameter unknown to batchrun";
    case Feature::other_value:
      return "a value unknown to batchrun (a role, a type, ...)";
  }
  return "";
}

}  // namespace batchrun

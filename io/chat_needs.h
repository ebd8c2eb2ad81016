// Which features a chat row needs: from its parameters and from the parts of its messages. Pure.
#pragma once

#include "io/chat_features.h"
#include "io/row_members.h"

namespace batchrun {

// What the parameters ask for. null, false, an empty array or object, and values that say what happens anyway
// (n 1, tool_choice "auto", response_format text, service_tier "auto", penalties of 0) ask for nothing.
FeatureSet features_of_parameters(const JsonTokens& tokens, const RowMembers& body, BodyPlace place);

// What a member of a message asks for that is not null, and neither content nor role nor name nor calls.
FeatureSet features_of_message_member(std::string_view name);

// What one part of a message's content asks for; nothing for text.
FeatureSet features_of_part(const JsonTokens& tokens, JsonTokens::Value part);

}  // namespace batchrun

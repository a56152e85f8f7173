/* The names under which providers and their libraries report token usage, flattened with dots.
 *
 *     provider               prompt             holds cached tokens   output                 holds reasoning
 *     OpenAI Chat            prompt_tokens      yes                   completion_tokens      yes
 *     OpenAI Responses       input_tokens       yes                   output_tokens          yes
 *     Anthropic              input_tokens       no                    output_tokens          yes
 *     LiteLLM                prompt_tokens      yes                   completion_tokens      yes
 *     Gemini, Vertex         promptTokenCount   yes                   candidatesTokenCount   no: thoughtsTokenCount
 *     LangChain              input_tokens       yes                   output_tokens          yes
 *     Bedrock Converse       inputTokens        no                    outputTokens           yes
 *     Langfuse               input              no                    output                 no:
 * output_reasoning_tokens
 *
 * input_tokens beside input_tokens_details is OpenAI's, beside cache_read_input_tokens or cache_creation_input_tokens
 * Anthropic's; prompt_tokens beside these is LiteLLM's. Gemini's toolUsePromptTokenCount is in none of its other
 * counts. docs/values.md names where each provider says so. Pure; any thread.
 */
#ifndef GCH_USAGE_NAMES_H
#define GCH_USAGE_NAMES_H

#include <stddef.h>

/* What a provider's number means, before anything is added or taken away. MORE: it is in no other count. */
enum gch_usage_given {
    GCH_GIVEN_PROMPT, /* the prompt with what was read from caches and written to them */
    GCH_GIVEN_INPUT,  /* the prompt, with or without: the names beside it say */
    GCH_GIVEN_TOOL,   /* of the prompt: results of built-in tools */
    GCH_GIVEN_TOOL_MORE,
    GCH_GIVEN_READ_INSIDE,  /* read from a cache, by a name that tells a part of the prompt */
    GCH_GIVEN_READ,         /* read from a cache */
    GCH_GIVEN_WRITE_INSIDE, /* and written to one, likewise */
    GCH_GIVEN_WRITE,
    GCH_GIVEN_WRITE_5M, /* of those written: to be kept for five minutes, an hour */
    GCH_GIVEN_WRITE_1H,
    GCH_GIVEN_WRITE_5M_MORE,
    GCH_GIVEN_WRITE_1H_MORE,
    GCH_GIVEN_AUDIO_IN, /* of the prompt */
    GCH_GIVEN_AUDIO_IN_MORE,
    GCH_GIVEN_IMAGE_IN,
    GCH_GIVEN_OUTPUT,
    GCH_GIVEN_REASONING, /* of the output */
    GCH_GIVEN_REASONING_MORE,
    GCH_GIVEN_AUDIO_OUT,
    GCH_GIVEN_AUDIO_OUT_MORE,
    GCH_GIVEN_IMAGE_OUT,
    GCH_GIVEN_ACCEPTED,
    GCH_GIVEN_REJECTED,
    GCH_GIVEN_UNSPLIT, /* of the total, what nothing else tells of */
    GCH_GIVEN_TOTAL,
    GCH_GIVEN_PROVIDED, /* total.provided, when our own buckets are read back */
    GCH_GIVEN_COUNT
};

/* What the number of this name means, or -1: the name is none that is known. */
int gch_usage_name_find(const char *name, size_t len);

#endif

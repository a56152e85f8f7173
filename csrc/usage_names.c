#include "usage_names.h"

#include <string.h>

#define NAME(name, given)                                                                                              \
    {                                                                                                                  \
        name, sizeof(name) - 1, given                                                                                  \
    }

static const struct {
    const char *name;
    size_t len;
    enum gch_usage_given given;
} names[] = {
    /* OpenAI Chat Completions, and LiteLLM, which maps all providers to it and keeps Anthropic's names beside. */
    NAME("prompt_tokens", GCH_GIVEN_PROMPT),
    NAME("completion_tokens", GCH_GIVEN_OUTPUT),
    NAME("total_tokens", GCH_GIVEN_TOTAL),
    NAME("prompt_tokens_details.cached_tokens", GCH_GIVEN_READ_INSIDE),
    NAME("prompt_tokens_details.cache_creation_tokens", GCH_GIVEN_WRITE_INSIDE),
    NAME("prompt_tokens_details.cache_write_tokens", GCH_GIVEN_WRITE_INSIDE),
    NAME("prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens", GCH_GIVEN_WRITE_5M),
    NAME("prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens", GCH_GIVEN_WRITE_1H),
    NAME("prompt_tokens_details.audio_tokens", GCH_GIVEN_AUDIO_IN),
    NAME("prompt_tokens_details.image_tokens", GCH_GIVEN_IMAGE_IN),
    NAME("prompt_tokens_details.tool_use_tokens", GCH_GIVEN_TOOL),
    NAME("completion_tokens_details.reasoning_tokens", GCH_GIVEN_REASONING),
    NAME("completion_tokens_details.audio_tokens", GCH_GIVEN_AUDIO_OUT),
    NAME("completion_tokens_details.image_tokens", GCH_GIVEN_IMAGE_OUT),
    NAME("completion_tokens_details.accepted_prediction_tokens", GCH_GIVEN_ACCEPTED),
    NAME("completion_tokens_details.rejected_prediction_tokens", GCH_GIVEN_REJECTED),
    NAME("prompt_cache_hit_tokens", GCH_GIVEN_READ_INSIDE), /* DeepSeek; the misses are the rest of the prompt */
    /* OpenAI Responses. */
    NAME("input_tokens", GCH_GIVEN_INPUT),
    NAME("output_tokens", GCH_GIVEN_OUTPUT),
    NAME("input_tokens_details.cached_tokens", GCH_GIVEN_READ_INSIDE),
    NAME("input_tokens_details.cache_write_tokens", GCH_GIVEN_WRITE_INSIDE),
    NAME("input_tokens_details.audio_tokens", GCH_GIVEN_AUDIO_IN),
    NAME("input_tokens_details.image_tokens", GCH_GIVEN_IMAGE_IN),
    NAME("output_tokens_details.reasoning_tokens", GCH_GIVEN_REASONING),
    NAME("output_tokens_details.audio_tokens", GCH_GIVEN_AUDIO_OUT),
    NAME("output_tokens_details.image_tokens", GCH_GIVEN_IMAGE_OUT),
    /* Anthropic. */
    NAME("cache_read_input_tokens", GCH_GIVEN_READ),
    NAME("cache_creation_input_tokens", GCH_GIVEN_WRITE),
    NAME("cache_creation.ephemeral_5m_input_tokens", GCH_GIVEN_WRITE_5M),
    NAME("cache_creation.ephemeral_1h_input_tokens", GCH_GIVEN_WRITE_1H),
    NAME("output_tokens_details.thinking_tokens", GCH_GIVEN_REASONING),
    /* Gemini and Vertex, as JSON and as google-genai's fields; the live API says response for candidates. */
    NAME("promptTokenCount", GCH_GIVEN_PROMPT),
    NAME("prompt_token_count", GCH_GIVEN_PROMPT),
    NAME("cachedContentTokenCount", GCH_GIVEN_READ_INSIDE),
    NAME("cached_content_token_count", GCH_GIVEN_READ_INSIDE),
    NAME("toolUsePromptTokenCount", GCH_GIVEN_TOOL_MORE),
    NAME("tool_use_prompt_token_count", GCH_GIVEN_TOOL_MORE),
    NAME("candidatesTokenCount", GCH_GIVEN_OUTPUT),
    NAME("candidates_token_count", GCH_GIVEN_OUTPUT),
    NAME("responseTokenCount", GCH_GIVEN_OUTPUT),
    NAME("response_token_count", GCH_GIVEN_OUTPUT),
    NAME("thoughtsTokenCount", GCH_GIVEN_REASONING_MORE),
    NAME("thoughts_token_count", GCH_GIVEN_REASONING_MORE),
    NAME("promptTokensDetails.AUDIO", GCH_GIVEN_AUDIO_IN),
    NAME("prompt_tokens_details.AUDIO", GCH_GIVEN_AUDIO_IN),
    NAME("promptTokensDetails.IMAGE", GCH_GIVEN_IMAGE_IN),
    NAME("prompt_tokens_details.IMAGE", GCH_GIVEN_IMAGE_IN),
    NAME("candidatesTokensDetails.AUDIO", GCH_GIVEN_AUDIO_OUT),
    NAME("candidates_tokens_details.AUDIO", GCH_GIVEN_AUDIO_OUT),
    NAME("candidatesTokensDetails.IMAGE", GCH_GIVEN_IMAGE_OUT),
    NAME("candidates_tokens_details.IMAGE", GCH_GIVEN_IMAGE_OUT),
    NAME("responseTokensDetails.AUDIO", GCH_GIVEN_AUDIO_OUT),
    NAME("response_tokens_details.AUDIO", GCH_GIVEN_AUDIO_OUT),
    NAME("totalTokenCount", GCH_GIVEN_TOTAL),
    NAME("total_token_count", GCH_GIVEN_TOTAL),
    /* LangChain's usage_metadata. */
    NAME("input_token_details.cache_read", GCH_GIVEN_READ_INSIDE),
    NAME("input_token_details.cache_creation", GCH_GIVEN_WRITE_INSIDE),
    NAME("input_token_details.audio", GCH_GIVEN_AUDIO_IN),
    NAME("output_token_details.reasoning", GCH_GIVEN_REASONING),
    NAME("output_token_details.audio", GCH_GIVEN_AUDIO_OUT),
    /* Bedrock Converse. */
    NAME("inputTokens", GCH_GIVEN_INPUT),
    NAME("outputTokens", GCH_GIVEN_OUTPUT),
    NAME("totalTokens", GCH_GIVEN_TOTAL),
    NAME("cacheReadInputTokens", GCH_GIVEN_READ),
    NAME("cacheWriteInputTokens", GCH_GIVEN_WRITE),
    /* Langfuse's usage_details: each name apart from all others. */
    NAME("input", GCH_GIVEN_INPUT),
    NAME("output", GCH_GIVEN_OUTPUT),
    NAME("total", GCH_GIVEN_TOTAL),
    NAME("input_cached_tokens", GCH_GIVEN_READ),
    NAME("input_cache_read", GCH_GIVEN_READ),
    NAME("input_cache_creation", GCH_GIVEN_WRITE),
    NAME("input_cache_creation_5m", GCH_GIVEN_WRITE_5M_MORE),
    NAME("input_cache_creation_1h", GCH_GIVEN_WRITE_1H_MORE),
    NAME("input_audio_tokens", GCH_GIVEN_AUDIO_IN_MORE),
    NAME("input_audio", GCH_GIVEN_AUDIO_IN_MORE),
    NAME("output_reasoning_tokens", GCH_GIVEN_REASONING_MORE),
    NAME("output_reasoning", GCH_GIVEN_REASONING_MORE),
    NAME("output_audio_tokens", GCH_GIVEN_AUDIO_OUT_MORE),
    NAME("output_audio", GCH_GIVEN_AUDIO_OUT_MORE),
    /* Ollama. */
    NAME("prompt_eval_count", GCH_GIVEN_PROMPT),
    NAME("eval_count", GCH_GIVEN_OUTPUT),
    /* Our own, so that buckets that are read back are the same again. */
    NAME("unsplit", GCH_GIVEN_UNSPLIT),
    NAME("total.provided", GCH_GIVEN_PROVIDED),
    NAME("input.audio", GCH_GIVEN_AUDIO_IN),
    NAME("input.image", GCH_GIVEN_IMAGE_IN),
    NAME("input.tool_use", GCH_GIVEN_TOOL),
    NAME("input_cache_creation.5m", GCH_GIVEN_WRITE_5M),
    NAME("input_cache_creation.1h", GCH_GIVEN_WRITE_1H),
    NAME("output.reasoning", GCH_GIVEN_REASONING),
    NAME("output.audio", GCH_GIVEN_AUDIO_OUT),
    NAME("output.image", GCH_GIVEN_IMAGE_OUT),
    NAME("output.accepted_prediction", GCH_GIVEN_ACCEPTED),
    NAME("output.rejected_prediction", GCH_GIVEN_REJECTED),
};

int gch_usage_name_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].len == len && memcmp(names[i].name, name, len) == 0)
            return (int)names[i].given;
    }
    return -1;
}

/* needs: reply.c server_text.c error_class.c status.c utf8.c buf.c */
/* Any reply: what is acknowledged is a success by every sign, and what is not has a class and one clean sentence.
 *
 * Two bytes are the status, one the size of the pieces that the body comes in, one how often the body is repeated; then
 * header lines up to an empty one, then the body.
 */
#include "fuzz.h"

#include <strings.h>

#include "reply.h"

struct signs {
    bool from_clickhouse;
    bool exception;
};

static void take_line(struct gch_reply *reply, struct signs *signs, const uint8_t *line, size_t len)
{
    static const char prefix[] = "X-ClickHouse-";
    static const char name[] = "X-ClickHouse-Exception-Code:";
    char *copy = (char *)fuzz_copy(line, len);
    if (len >= sizeof name - 1 && strncasecmp(copy, name, sizeof name - 1) == 0)
        signs->exception = true;
    if (len >= sizeof prefix - 1 && strncasecmp(copy, prefix, sizeof prefix - 1) == 0)
        signs->from_clickhouse = true;
    gch_reply_take_header(reply, copy, len);
    free(copy);
}

static void take_headers(struct gch_reply *reply, struct signs *signs, struct fuzz_input *input)
{
    while (input->left > 0) {
        const uint8_t *end = memchr(input->at, '\n', input->left);
        size_t len = end == NULL ? input->left : (size_t)(end - input->at) + 1;
        take_line(reply, signs, input->at, len);
        input->at += len;
        input->left -= len;
        if (len == 1)
            return;
    }
}

static void take_body(struct gch_reply *reply, struct fuzz_input body, size_t piece)
{
    while (body.left > 0) {
        size_t len = piece == 0 || piece > body.left ? body.left : piece;
        FUZZ_CHECK(gch_reply_take_body(reply, body.at, len));
        body.at += len;
        body.left -= len;
    }
}

static void check_success(const struct gch_reply *reply, const struct signs *signs, struct fuzz_input body)
{
    FUZZ_CHECK(reply->http_status == 200 && reply->error_class == GCH_CLASS_NONE && reply->code == 0);
    FUZZ_CHECK(signs->from_clickhouse && !signs->exception && body.left <= GCH_REPLY_MAX);
    FUZZ_CHECK(body.left == 0 || memmem(body.at, body.left, "__exception__", 13) == NULL);
    FUZZ_CHECK(body.left < 6 || memcmp(body.at, "Code: ", 6) != 0);
}

static void check_failure(const struct gch_reply *reply)
{
    FUZZ_CHECK(reply->error_class > GCH_CLASS_NONE && reply->error_class <= GCH_CLASS_SPLIT);
    FUZZ_CHECK(reply->trouble != GCH_TROUBLE_NONE && gch_trouble_word(reply->trouble) != NULL);
    fuzz_check_sentence(reply->err.text, sizeof reply->err.text);
}

static enum gch_status judge(struct gch_reply *reply, struct fuzz_input input, unsigned status, size_t piece,
                             unsigned times)
{
    struct signs signs = {false, false};
    gch_reply_reset(reply);
    reply->http_status = (int)status;
    take_headers(reply, &signs, &input);
    struct fuzz_input body = {NULL, input.left * times};
    uint8_t *bytes = malloc(body.left + 1);
    FUZZ_CHECK(bytes != NULL);
    for (unsigned i = 0; i < times && input.left > 0; i++)
        memcpy(bytes + i * input.left, input.at, input.left);
    body.at = bytes;
    take_body(reply, body, piece);
    FUZZ_CHECK(reply->body.len <= GCH_REPLY_MAX && reply->retry_after_ms <= 86400000);
    enum gch_status result = gch_reply_judge(reply, "http://default@h:8123/d");
    FUZZ_CHECK(result == GCH_OK || result == GCH_ERR_REMOTE);
    if (result == GCH_OK)
        check_success(reply, &signs, body);
    else
        check_failure(reply);
    free(bytes);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct gch_reply whole;
    struct gch_reply pieces;
    unsigned status = fuzz_take_u16(&input) % 1000;
    size_t piece = fuzz_take_u8(&input);
    unsigned times = 1U + fuzz_take_u8(&input) % 128U;
    gch_reply_init(&whole);
    gch_reply_init(&pieces);
    enum gch_status one = judge(&whole, input, status, 0, times);
    /* A reply that is used again forgets the one before. */
    (void)judge(&pieces, (struct fuzz_input){data, size}, 200, 7, 1);
    FUZZ_CHECK(judge(&pieces, input, status, piece, times) == one);
    FUZZ_CHECK(whole.error_class == pieces.error_class && whole.code == pieces.code);
    FUZZ_CHECK(whole.trouble == pieces.trouble && whole.retry_after_ms == pieces.retry_after_ms);
    FUZZ_CHECK(one == GCH_OK || strcmp(whole.err.text, pieces.err.text) == 0);
    gch_reply_deinit(&whole);
    gch_reply_deinit(&pieces);
    return 0;
}

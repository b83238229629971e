/* Messages to text and back, by the table in protocol.h. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef enum field_type { INTEGER, FLAG, NUMBER, TEXT, HASH } field_type;

typedef struct field {
    vst_message_kind kind;
    const char *name;
    field_type type;
    size_t offset;
} field;

#define FIELD(KIND, WORD, NAME, TYPE) {VST_MESSAGE_##KIND, #NAME, TYPE, offsetof(vst_message, WORD.NAME)},
#define WORD(KIND, WORD) #WORD,

static const field fields[] = {VST_MESSAGE_FIELDS(FIELD)};
static const char *const words[] = {VST_MESSAGES(WORD)};

#define FIELDS (sizeof fields / sizeof *fields)
#define WORDS (sizeof words / sizeof *words)

/* Numbers have a decimal point on the wire, whatever the host's locale: the host may set it in any thread and at any
 * time. So nothing here depends on it. */
static const char number_characters[] = "+-0123456789e.";

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int vst_parse_number(const char *text, double *number)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    char *end;
    if (!*text || text[strspn(text, number_characters)] || !c_locale)
        return -1;
    *number = strtod_l(text, &end, c_locale);
    return *end || !isfinite(*number) ? -1 : 0;
}

/* Returns the length, or -1 for a number that is not finite. */
static int write_number(double number, char *out, size_t size)
{
    char text[64];
    if (!isfinite(number))
        return -1;
    snprintf(text, sizeof text, "%.17g", number);
    /* What is neither a digit nor a sign nor an exponent is the decimal point of the locale, of one or more bytes. */
    size_t length = strspn(text, "+-0123456789e");
    const char *rest = text + length;
    while (*rest && !strchr(number_characters, *rest))
        rest++;
    rest += *rest == '.';
    return snprintf(out, size, "%.*s%s%s", (int)length, text, text[length] ? "." : "", rest);
}

/* Returns the length, or -1 for a number that cannot be sent. */
static int write_value(field_type type, const void *value, char *out, size_t size)
{
    int length = 0;
    switch (type) {
    case INTEGER:
        return snprintf(out, size, "%d", *(const int *)value);
    case FLAG:
        return snprintf(out, size, "%d", *(const int *)value != 0);
    case NUMBER:
        return write_number(*(const double *)value, out, size);
    case TEXT:
        return snprintf(out, size, "%s", *(const char *const *)value);
    case HASH:
        for (int i = 0; i < VST_HASH_SIZE; i++)
            length += snprintf(out + length, (size_t)length < size ? size - (size_t)length : 0, "%02x",
                               ((const uint8_t *)value)[i]);
        return length;
    }
    return length;
}

static int read_integer(const char *text, long least, long most, int *value)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if ((*text != '-' && !isdigit((unsigned char)*text)) || *end || errno || number < least || number > most)
        return -1;
    *value = (int)number;
    return 0;
}

static int read_hash(const char *text, uint8_t *hash)
{
    if (strlen(text) != (size_t)2 * VST_HASH_SIZE || text[strspn(text, "0123456789abcdef")])
        return -1;
    for (int i = 0; i < VST_HASH_SIZE; i++, text += 2) {
        char digits[3] = {text[0], text[1], 0};
        hash[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return 0;
}

/* Returns 0, or -1 for a text that is no value of the type. */
static int read_value(field_type type, const char *text, void *value)
{
    switch (type) {
    case INTEGER:
        return read_integer(text, INT_MIN, INT_MAX, value);
    case FLAG:
        return read_integer(text, 0, 1, value);
    case NUMBER:
        return vst_parse_number(text, value);
    case TEXT:
        *(const char **)value = text;
        return 0;
    case HASH:
        return read_hash(text, value);
    }
    return -1;
}

/* The value of a field in a message. */
static void *member(vst_message *message, const field *it)
{
    return (char *)message + it->offset;
}

/* Whether a text can be sent; NULL counts as empty. */
static int check_text(const char **text, char error[VST_ERROR_SIZE])
{
    if (!*text)
        *text = "";
    if (!strpbrk(*text, "\r\n"))
        return 0;
    vst_set_error(error, "vst: '%s' has a line break; remove it", *text);
    return -1;
}

int vst_encode(const vst_message *message, char packet[VST_PACKET_SIZE], char error[VST_ERROR_SIZE])
{
    vst_message copy = *message;
    int length = snprintf(packet, VST_PACKET_SIZE, "%s", words[copy.kind]);
    for (size_t i = 0; i < FIELDS && length < VST_PACKET_SIZE; i++) {
        const field *it = &fields[i];
        if (it->kind != copy.kind)
            continue;
        if (it->type == TEXT && check_text(member(&copy, it), error))
            return -1;
        length += snprintf(packet + length, VST_PACKET_SIZE - (size_t)length, "\n%s=", it->name);
        if (length >= VST_PACKET_SIZE)
            break;
        int written = write_value(it->type, member(&copy, it), packet + length, VST_PACKET_SIZE - (size_t)length);
        if (written < 0) {
            vst_set_error(error, "vst: %s is not a finite number; set it again", it->name);
            return -1;
        }
        length += written;
    }
    if (length >= VST_PACKET_SIZE) {
        vst_set_error(error, "vst: style and weights folder are too long to send, over %d bytes; shorten them",
                      VST_PACKET_SIZE);
        return -1;
    }
    return length;
}

static const field *find_field(vst_message_kind kind, const char *name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].kind == kind && !strcmp(fields[i].name, name))
            return &fields[i];
    return NULL;
}

int vst_decode(char *packet, vst_message *message)
{
    char *rest = packet, *line = strsep(&rest, "\n");
    size_t kind = 0;
    while (kind < WORDS && strcmp(words[kind], line) != 0)
        kind++;
    if (kind == WORDS)
        return -1;
    memset(message, 0, sizeof *message);
    message->kind = (vst_message_kind)kind;
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].kind == message->kind && fields[i].type == TEXT)
            *(const char **)member(message, &fields[i]) = "";
    while ((line = strsep(&rest, "\n"))) {
        char *name = strsep(&line, "=");
        const field *it = find_field(message->kind, name);
        if (it && (!line || read_value(it->type, line, member(message, it))))
            return -1;
    }
    return 0;
}

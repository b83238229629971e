/* Messages to text and back, by the table in protocol.h. */
#define _GNU_SOURCE
#include <locale.h>
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

/* Numbers have a decimal point on the wire, whatever the host's locale. */
static locale_t use_c_numbers(locale_t *before)
{
    locale_t made = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    *before = uselocale(made);
    return made;
}

static void restore_numbers(locale_t made, locale_t before)
{
    uselocale(before);
    if (made)
        freelocale(made);
}

static int write_value(field_type type, const void *value, char *out, size_t size)
{
    int length = 0;
    switch (type) {
    case INTEGER:
        return snprintf(out, size, "%d", *(const int *)value);
    case FLAG:
        return snprintf(out, size, "%d", *(const int *)value != 0);
    case NUMBER:
        return snprintf(out, size, "%.17g", *(const double *)value);
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

static void read_value(field_type type, char *text, void *value)
{
    switch (type) {
    case INTEGER:
    case FLAG:
        *(int *)value = atoi(text);
        break;
    case NUMBER:
        *(double *)value = strtod(text, NULL);
        break;
    case TEXT:
        *(const char **)value = text;
        break;
    case HASH:
        for (int i = 0; i < VST_HASH_SIZE && strlen(text) >= 2; i++, text += 2) {
            char digits[3] = {text[0], text[1], 0};
            ((uint8_t *)value)[i] = (uint8_t)strtoul(digits, NULL, 16);
        }
        break;
    }
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
    locale_t before, c_numbers = use_c_numbers(&before);
    int length = snprintf(packet, VST_PACKET_SIZE, "%s", words[copy.kind]);
    for (size_t i = 0; i < FIELDS && length >= 0 && length < VST_PACKET_SIZE; i++) {
        const field *it = &fields[i];
        if (it->kind != copy.kind)
            continue;
        if (it->type == TEXT && check_text(member(&copy, it), error)) {
            length = -1;
            break;
        }
        length += snprintf(packet + length, VST_PACKET_SIZE - (size_t)length, "\n%s=", it->name);
        if (length < VST_PACKET_SIZE)
            length += write_value(it->type, member(&copy, it), packet + length, VST_PACKET_SIZE - (size_t)length);
    }
    restore_numbers(c_numbers, before);
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
    locale_t before, c_numbers = use_c_numbers(&before);
    while ((line = strsep(&rest, "\n"))) {
        char *name = strsep(&line, "=");
        const field *it = find_field(message->kind, name);
        if (it && line)
            read_value(it->type, line, member(message, it));
    }
    restore_numbers(c_numbers, before);
    return 0;
}

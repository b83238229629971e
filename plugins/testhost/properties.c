/* Property sets, and the property suite. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

property *find_property(OfxPropertySetHandle set, const char *name, int create)
{
    for (property *it = set->first; it; it = it->next)
        if (!strcmp(it->name, name))
            return it;
    if (!create)
        return NULL;
    property *it = calloc(1, sizeof *it);
    it->name = strdup(name);
    it->next = set->first;
    return set->first = it;
}

OfxPropertySetHandle new_set(void)
{
    return calloc(1, sizeof(struct OfxPropertySetStruct));
}

void free_set(OfxPropertySetHandle set)
{
    for (property *it = set->first, *next; it; it = next) {
        next = it->next;
        for (int i = 0; i < LARGEST_COUNT; i++)
            free(it->text[i]);
        free(it->name);
        free(it);
    }
    free(set);
}

static OfxStatus put_value(OfxPropertySetHandle set, const char *name, int index, char kind, const void *value)
{
    if (!set)
        return kOfxStatErrBadHandle;
    if (index < 0 || index >= (kind == 's' ? LARGEST_COUNT : 4))
        return kOfxStatErrBadIndex;
    pthread_mutex_lock(&mutex);
    property *it = find_property(set, name, 1);
    it->kind = kind;
    if (index >= it->count)
        it->count = index + 1;
    if (kind == 'i')
        memcpy(&it->integer[index], value, sizeof(int));
    else if (kind == 'd')
        memcpy(&it->number[index], value, sizeof(double));
    else if (kind == 'p')
        memcpy(&it->pointer[index], value, sizeof(void *));
    else {
        free(it->text[index]);
        it->text[index] = strdup(value);
    }
    pthread_mutex_unlock(&mutex);
    return kOfxStatOK;
}

static OfxStatus get_value(OfxPropertySetHandle set, const char *name, int index, char kind, void *value)
{
    if (!set)
        return kOfxStatErrBadHandle;
    OfxStatus status = kOfxStatErrUnknown;
    pthread_mutex_lock(&mutex);
    property *it = find_property(set, name, 0);
    if (it && it->kind == kind) {
        status = index >= 0 && index < it->count ? kOfxStatOK : kOfxStatErrBadIndex;
        if (status == kOfxStatOK && kind == 'i')
            memcpy(value, &it->integer[index], sizeof(int));
        else if (status == kOfxStatOK && kind == 'd')
            memcpy(value, &it->number[index], sizeof(double));
        else if (status == kOfxStatOK && kind == 'p')
            memcpy(value, &it->pointer[index], sizeof(void *));
        else if (status == kOfxStatOK)
            memcpy(value, &it->text[index], sizeof(char *));
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

OfxStatus set_pointer(OfxPropertySetHandle s, const char *n, int i, void *v) { return put_value(s, n, i, 'p', &v); }
OfxStatus set_string(OfxPropertySetHandle s, const char *n, int i, const char *v)
{
    return v ? put_value(s, n, i, 's', v) : kOfxStatErrValue;
}
OfxStatus set_double(OfxPropertySetHandle s, const char *n, int i, double v) { return put_value(s, n, i, 'd', &v); }
OfxStatus set_int(OfxPropertySetHandle s, const char *n, int i, int v) { return put_value(s, n, i, 'i', &v); }
OfxStatus get_pointer(OfxPropertySetHandle s, const char *n, int i, void **v) { return get_value(s, n, i, 'p', v); }
OfxStatus get_string(OfxPropertySetHandle s, const char *n, int i, char **v) { return get_value(s, n, i, 's', v); }
OfxStatus get_double(OfxPropertySetHandle s, const char *n, int i, double *v) { return get_value(s, n, i, 'd', v); }
OfxStatus get_int(OfxPropertySetHandle s, const char *n, int i, int *v) { return get_value(s, n, i, 'i', v); }

#define SET_OF(NAME, ONE, TYPE)                                                              \
    OfxStatus NAME(OfxPropertySetHandle s, const char *n, int count, TYPE *v)          \
    {                                                                                         \
        OfxStatus status = kOfxStatOK;                                                        \
        for (int i = 0; i < count && status == kOfxStatOK; i++)                               \
            status = ONE;                                                                     \
        return status;                                                                        \
    }
static SET_OF(set_pointers, set_pointer(s, n, i, v[i]), void *const)
static SET_OF(set_strings, set_string(s, n, i, v[i]), const char *const)
SET_OF(set_doubles, set_double(s, n, i, v[i]), const double)
SET_OF(set_ints, set_int(s, n, i, v[i]), const int)
static SET_OF(get_pointers, get_pointer(s, n, i, &v[i]), void *)
static SET_OF(get_strings, get_string(s, n, i, &v[i]), char *)
SET_OF(get_doubles, get_double(s, n, i, &v[i]), double)
static SET_OF(get_ints, get_int(s, n, i, &v[i]), int)

static OfxStatus reset(OfxPropertySetHandle set, const char *name)
{
    pthread_mutex_lock(&mutex);
    property *it = find_property(set, name, 0);
    if (it)
        it->count = 0;
    pthread_mutex_unlock(&mutex);
    return it ? kOfxStatOK : kOfxStatErrUnknown;
}

static OfxStatus dimension(OfxPropertySetHandle set, const char *name, int *count)
{
    pthread_mutex_lock(&mutex);
    property *it = find_property(set, name, 0);
    *count = it ? it->count : 0;
    pthread_mutex_unlock(&mutex);
    return it ? kOfxStatOK : kOfxStatErrUnknown;
}

const OfxPropertySuiteV1 property_suite = {
    set_pointer, set_string, set_double, set_int, set_pointers, set_strings, set_doubles, set_ints, get_pointer,
    get_string, get_double, get_int, get_pointers, get_strings, get_doubles, get_ints, reset, dimension};

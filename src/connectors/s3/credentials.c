// SPDX-License-Identifier: MIT
// The part of the chain that needs no network: environment and profile files. What services give
// out is in credentials_service.c.
#include "connectors/s3/credentials.h"

#include "base/file.h"
#include <stdlib.h>
#include <string.h>

#define RENEW_BEFORE_US (5 * 60 * US_PER_SECOND)

const char *environment_text(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != 0 ? value : NULL;
}

void credentials_clear(struct credentials *credentials)
{
    arena_clear(&credentials->arena);
    *credentials = (struct credentials){0};
}

// The lines of one [section] of an ini file: calls for the value of `name`.
static struct str ini_value(struct str text, struct str section, const char *name)
{
    bool is_inside = false;
    for (size_t at = 0; at < text.len;) {
        int64_t end = str_find(str_slice(text, at, text.len), '\n');
        struct str line = str_slice(text, at, end < 0 ? text.len : at + (size_t)end);
        at += line.len + 1;
        bool is_indented = line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (line.ptr[0] == '[' && line.ptr[line.len - 1] == ']') {
            struct str title = str_trim(str_slice(line, 1, line.len - 1));
            if (str_starts(title, "profile ") || str_starts(title, "profile\t"))
                title = str_trim(str_slice(title, 8, title.len));
            is_inside = str_equal(title, section);
            continue;
        }
        int64_t equal = str_find(line, '=');
        // An indented line belongs to a nested table such as "s3 =".
        if (!is_inside || is_indented || equal < 0 ||
            !str_is(str_trim(str_slice(line, 0, (size_t)equal)), name))
            continue;
        return str_trim(str_slice(line, (size_t)equal + 1, line.len));
    }
    return (struct str){"", 0};
}

static bool profile_read(const char *variable, const char *file, struct buf *out)
{
    AUTO(buf_clear) struct buf path = {0};
    struct error ignored = {0};
    const char *chosen = environment_text(variable), *home = environment_text("HOME");
    if (chosen != NULL)
        buf_add_cstr(&path, chosen);
    else if (home != NULL)
        buf_print(&path, "%s/.aws/%s", home, file);
    return path.len > 0 && path_exists(buf_cstr(&path)) &&
           file_read_whole(buf_cstr(&path), out, &ignored);
}

static struct str profile_name(void)
{
    const char *name = environment_text("AWS_PROFILE");
    name = name != NULL ? name : environment_text("AWS_DEFAULT_PROFILE");
    return str_of(name != NULL ? name : "default");
}

struct str credentials_profile_text(const char *name, struct arena *arena)
{
    AUTO(buf_clear) struct buf text = {0};
    if (!profile_read("AWS_CONFIG_FILE", "config", &text))
        return (struct str){"", 0};
    return arena_str(arena, ini_value(buf_str(&text), profile_name(), name));
}

bool credentials_from_profile(struct credentials *credentials)
{
    static const struct {
        const char *variable, *file, *origin;
    } files[] = {{"AWS_SHARED_CREDENTIALS_FILE", "credentials", "the credentials file of ~/.aws"},
                 {"AWS_CONFIG_FILE", "config", "the config file of ~/.aws"}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        AUTO(buf_clear) struct buf text = {0};
        if (!profile_read(files[i].variable, files[i].file, &text))
            continue;
        struct str access_key = ini_value(buf_str(&text), profile_name(), "aws_access_key_id");
        struct str secret_key = ini_value(buf_str(&text), profile_name(), "aws_secret_access_key");
        if (access_key.len == 0 || secret_key.len == 0)
            continue;
        struct arena *arena = &credentials->arena;
        struct str token = ini_value(buf_str(&text), profile_name(), "aws_session_token");
        credentials->access_key = arena_str(arena, access_key);
        credentials->secret_key.hidden = arena_str(arena, secret_key);
        credentials->session_token.hidden = arena_str(arena, token);
        credentials->expires_us = TIME_MAX_US;
        credentials->origin = files[i].origin;
        return true;
    }
    return false;
}

static bool from_environment(struct credentials *credentials)
{
    static const struct {
        const char *access_key, *secret_key, *session_token, *origin;
    } names[] = {
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
         "the environment (AWS_ACCESS_KEY_ID)"},
        {"AWS_ACCESS_KEY", "AWS_SECRET_KEY", NULL, "the environment (AWS_ACCESS_KEY)"},
        {"S3_ACCESS_KEY", "S3_SECRET_KEY", NULL, "the environment (S3_ACCESS_KEY)"},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *access_key = environment_text(names[i].access_key);
        const char *secret_key = environment_text(names[i].secret_key);
        if (access_key == NULL || secret_key == NULL)
            continue;
        const char *token =
            names[i].session_token != NULL ? environment_text(names[i].session_token) : NULL;
        struct arena *arena = &credentials->arena;
        credentials->access_key = arena_str(arena, str_of(access_key));
        credentials->secret_key.hidden = arena_str(arena, str_of(secret_key));
        credentials->session_token.hidden = arena_str(arena, str_of(token));
        credentials->expires_us = TIME_MAX_US;
        credentials->origin = names[i].origin;
        return true;
    }
    return false;
}

bool credentials_renew(struct credentials *credentials, struct transport *transport,
                       struct str region, int64_t now_us, struct error *err)
{
    bool is_known = credentials->access_key.len > 0;
    if (is_known && credentials->expires_us - RENEW_BEFORE_US > now_us)
        return true;
    struct credentials fresh = {0};
    bool is_there = from_environment(&fresh) || credentials_from_profile(&fresh);
    if (!is_there && !credentials_from_service(&fresh, transport, region, now_us, &is_there, err)) {
        credentials_clear(&fresh);
        if (!is_known || credentials->expires_us <= now_us)
            return false;
        error_clear(err);
        return true;
    }
    if (!is_there) {
        credentials_clear(&fresh);
        return error_set(err, ERROR_USER,
                         "s3: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or "
                         "S3_ACCESS_KEY and S3_SECRET_KEY), options access_key and secret_key, or "
                         "a profile in ~/.aws/credentials; no web identity, container or "
                         "instance role answered either");
    }
    credentials_clear(credentials);
    *credentials = fresh;
    return true;
}

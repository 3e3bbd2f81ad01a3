// SPDX-License-Identifier: MIT
// libpq is used in its blocking form, on the threads of reader and outbox. Connecting is done in
// steps instead, because only so can the SQLSTATE of a refused login be asked for: the text alone
// is in the server's language.
#include "connectors/postgres/postgres_link.h"

#include "base/clock.h"
#include "base/log.h"
#include <poll.h>
#include <string.h>

#define CONNECT_US (15 * US_PER_SECOND)

enum error_kind postgres_kind(const char *state)
{
    static const struct {
        const char *start;
        enum error_kind kind;
    } kinds[] = {
        {"08", ERROR_RETRY},    // connection
        {"57014", ERROR_RETRY}, // statement_timeout of the role
        {"57P", ERROR_RETRY},   // shut down, crashed, starting
        {"53", ERROR_RETRY},    // disk full, too many connections
        {"58", ERROR_RETRY},    // I/O
        {"40", ERROR_RETRY},    // serialisation, deadlock
        {"55P03", ERROR_RETRY}, // lock_timeout
        {"55006", ERROR_RETRY}, // object in use
        {"25006", ERROR_RETRY}, // read only: a standby that may become primary
        {"25P03", ERROR_RETRY}, // idle_in_transaction_session_timeout
        {"22", ERROR_DATA},     // a value does not fit
        {"23", ERROR_DATA},     // constraints of the table
        {"28", ERROR_USER},     // login
        {"3D", ERROR_USER},     // no such database
        {"3F", ERROR_USER},     // no such schema
        {"42", ERROR_USER},     // no such table, column, right; syntax
        {"0A", ERROR_USER},     // not supported
    };
    if (state == NULL || *state == 0)
        return ERROR_RETRY;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strncmp(state, kinds[i].start, strlen(kinds[i].start)) == 0)
            return kinds[i].kind;
    return ERROR_FATAL;
}

void postgres_result_clear(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

void postgres_link_close(struct postgres_link *link)
{
    if (link->connection != NULL)
        PQfinish(link->connection);
    link->connection = NULL;
}

// ---- Connecting
// ----------------------------------------------------------------------------------
static void log_notice(void *context UNUSED, const char *message)
{
    struct str text = str_trim(str_of(message));
    log_debug("postgres: %.*s", STR_ARGS(text));
}

// ".. FATAL:  28P01: password authentication failed ..": the state, and the text behind it.
static const char *find_state(const char *message, char state[6])
{
    for (const char *c = message; *c != 0; c++) {
        size_t len = strspn(c, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool is_word = c == message || c[-1] == ' ';
        if (is_word && len == 5 && c[5] == ':' && c[6] == ' ' && strcspn(c, "0123456789") < 5) {
            memcpy(state, c, 5);
            state[5] = 0;
            return c + 7;
        }
    }
    state[0] = 0;
    return message;
}

static bool connect_fail(struct postgres_link *link, const char *reason, struct error *err)
{
    char state[6];
    const char *text = find_state(reason, state);
    struct str line = str_trim((struct str){text, strcspn(text, "\n")});
    enum error_kind kind = postgres_kind(state);
    // What only a change of the options cures has no state when libpq itself says it.
    if (state[0] == 0 && (strstr(text, "does not support SSL") != NULL ||
                          strstr(text, "certificate") != NULL || strstr(text, "invalid ") != NULL))
        kind = ERROR_USER;
    AUTO(buf_clear) struct buf where = {0};
    postgres_address_print(link->address, &where);
    const char *cure = "";
    if (strncmp(state, "28", 2) == 0)
        cure = "; check options user and password";
    else if (strcmp(state, "3D000") == 0)
        cure = "; create it, or check option database";
    error_set(err, kind, "postgres: cannot connect to %s: %.*s%s", buf_cstr(&where), STR_ARGS(line),
              cure);
    postgres_link_close(link);
    return false;
}

static bool wait_for(PGconn *connection, bool is_read, int64_t until_us)
{
    int64_t left_us = until_us - clock_monotonic_us();
    struct pollfd wait = {.fd = PQsocket(connection), .events = is_read ? POLLIN : POLLOUT};
    return wait.fd >= 0 && left_us > 0 && poll(&wait, 1, (int)(left_us / 1000 + 1)) >= 0;
}

static bool session_begin(struct postgres_link *link, struct error *err)
{
    // A server that gives up durability would lose what the journal counts as delivered.
    return postgres_execute(link,
                            "SET TimeZone = 'UTC'; SET lock_timeout = '10s'; "
                            "SET client_min_messages = warning; "
                            "SELECT set_config('synchronous_commit', 'on', false) "
                            "WHERE current_setting('synchronous_commit') = 'off'",
                            err);
}

bool postgres_link_open(struct postgres_link *link, bool *is_new, struct error *err)
{
    if (is_new != NULL)
        *is_new = false;
    if (link->connection != NULL && PQstatus(link->connection) == CONNECTION_OK &&
        PQtransactionStatus(link->connection) == PQTRANS_IDLE)
        return true;
    postgres_link_close(link);
    link->connection = PQconnectStartParams(link->address->keywords, link->address->values, false);
    ASSERT(link->connection != NULL);
    PQsetErrorVerbosity(link->connection, PQERRORS_VERBOSE);
    int64_t until_us = clock_monotonic_us() + CONNECT_US;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        if (PQstatus(link->connection) == CONNECTION_BAD)
            break;
        if (!wait_for(link->connection, status == PGRES_POLLING_READING, until_us))
            return connect_fail(link, "the server does not answer", err);
        status = PQconnectPoll(link->connection);
        if (clock_monotonic_us() >= until_us && status != PGRES_POLLING_OK)
            return connect_fail(link, "the server does not answer", err);
    }
    if (status != PGRES_POLLING_OK)
        return connect_fail(link, PQerrorMessage(link->connection), err);
    PQsetErrorVerbosity(link->connection, PQERRORS_DEFAULT);
    PQsetNoticeProcessor(link->connection, log_notice, NULL);
    if (!session_begin(link, err)) {
        postgres_link_close(link);
        return false;
    }
    if (is_new != NULL)
        *is_new = true;
    return true;
}

// ---- Statements
// ----------------------------------------------------------------------------------
static const char *field(const PGresult *result, int code)
{
    const char *text = result != NULL ? PQresultErrorField(result, code) : NULL;
    return text != NULL ? text : "";
}

bool postgres_fail(struct postgres_link *link, const PGresult *result, struct error *err)
{
    const char *state = field(result, PG_DIAG_SQLSTATE);
    if (*state == 0 || PQstatus(link->connection) == CONNECTION_BAD) {
        struct str text = str_trim(str_of(PQerrorMessage(link->connection)));
        int64_t line = str_find(text, '\n');
        text = line >= 0 ? str_slice(text, 0, (size_t)line) : text;
        AUTO(buf_clear) struct buf where = {0};
        postgres_address_print(link->address, &where);
        return error_set(err, ERROR_RETRY, "postgres: connection to %s is lost: %.*s",
                         buf_cstr(&where), STR_ARGS(text));
    }
    const char *detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = field(result, PG_DIAG_MESSAGE_HINT);
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, field(result, PG_DIAG_MESSAGE_PRIMARY));
    if (*detail != 0)
        buf_print(&text, " (%.*s)", (int)strnlen(detail, 300), detail);
    if (*hint != 0)
        buf_print(&text, "; %.*s", (int)strnlen(hint, 300), hint);
    return error_set(err, postgres_kind(state), "postgres: %s [%s]", buf_cstr(&text), state);
}

static PGresult *check(struct postgres_link *link, PGresult *result, struct error *err)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN ||
        status == PGRES_COPY_OUT)
        return result;
    postgres_fail(link, result, err);
    PQclear(result);
    return NULL;
}

PGresult *postgres_query(struct postgres_link *link, const char *sql, struct error *err)
{
    return check(link, PQexec(link->connection, sql), err);
}

PGresult *postgres_query_values(struct postgres_link *link, const char *sql,
                                const char *const *values, size_t values_len, struct error *err)
{
    PGresult *result =
        PQexecParams(link->connection, sql, (int)values_len, NULL, values, NULL, NULL, 0);
    return check(link, result, err);
}

bool postgres_execute(struct postgres_link *link, const char *sql, struct error *err)
{
    AUTO(postgres_result_clear) PGresult *result = postgres_query(link, sql, err);
    return result != NULL;
}

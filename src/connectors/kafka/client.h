// SPDX-License-Identifier: MIT
// What source and sink of Kafka share: the options that say how to reach and trust a cluster, made
// into a librdkafka configuration; one client handle with what it said last about its brokers; and
// librdkafka's error codes in words, with who must act.
#ifndef FIRESTEEL_KAFKA_CLIENT_H
#define FIRESTEEL_KAFKA_CLIENT_H

#include "base/error.h"
#include "base/option.h"

#include <pthread.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

// Embedded as `client` in a connector's options struct; KAFKA_CLIENT_OPTIONS gives its table rows.
struct kafka_client_options {
    struct str bootstrap_servers;
    int security_protocol; // index into kafka_protocol_words
    struct str sasl_mechanism, sasl_username;
    struct secret sasl_password;
    struct str ssl_ca_location, ssl_certificate_location, ssl_key_location;
    struct secret ssl_key_password;
    bool allow_insecure;
};
extern const char *const kafka_protocol_words[]; // plaintext, ssl, sasl_plaintext, sasl_ssl

#define KAFKA_CLIENT_OPTION(type, name_, kind_, fallback_, help_)                                  \
    {                                                                                              \
        .name = #name_, .kind = kind_, .fallback = fallback_, .help = help_,                       \
        .offset = offsetof(type, client.name_)                                                     \
    }
#define KAFKA_CLIENT_OPTIONS(type)                                                                 \
    KAFKA_CLIENT_OPTION(type, bootstrap_servers, OPTION_TEXT, NULL,                                \
                        "brokers to ask first: host:port, separated by commas"),                   \
        {.name = "security_protocol",                                                              \
         .kind = OPTION_WORD,                                                                      \
         .fallback = "plaintext",                                                                  \
         .help = "how the connection is made: with TLS, with a login, both or none",               \
         .offset = offsetof(type, client.security_protocol),                                       \
         .words = kafka_protocol_words},                                                           \
        KAFKA_CLIENT_OPTION(type, sasl_mechanism, OPTION_TEXT, "",                                 \
                            "login by PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"),        \
        KAFKA_CLIENT_OPTION(type, sasl_username, OPTION_TEXT, "", "name for the login"),           \
        KAFKA_CLIENT_OPTION(type, sasl_password, OPTION_SECRET, "", "password for the login"),     \
        KAFKA_CLIENT_OPTION(type, ssl_ca_location, OPTION_TEXT, "",                                \
                            "file or folder of trusted certificates; empty: the system's"),        \
        KAFKA_CLIENT_OPTION(type, ssl_certificate_location, OPTION_TEXT, "",                       \
                            "file of the client's own certificate (PEM)"),                         \
        KAFKA_CLIENT_OPTION(type, ssl_key_location, OPTION_TEXT, "",                               \
                            "file of the client's private key (PEM)"),                             \
        KAFKA_CLIENT_OPTION(type, ssl_key_password, OPTION_SECRET, "",                             \
                            "password of the private key"),                                        \
        KAFKA_CLIENT_OPTION(type, allow_insecure, OPTION_BOOL, "false",                            \
                            "allow passwords without TLS, or TLS without checking certificates")

// A configuration from the options; every mistake is ERROR_USER and names the option. `values` are
// all options as they were given: those called properties.* go to the client by an allow-list
// (values of others are not looked at). The caller owns the result; kafka_client_new takes it.
rd_kafka_conf_t *kafka_conf_new(const struct kafka_client_options *options,
                                const struct option_value *values, size_t values_len,
                                struct error *err);
// Why a property may not be given, or NULL when it may. `name` is without "properties.".
const char *kafka_property_refusal(struct str name);
// A key that Firesteel itself decides; a value that does not fit is a bug. Properties that the user
// gave stay: call it before kafka_conf_new's result is changed by nobody else, or use _default.
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
// Sets the key unless `values` hold properties.<name>.
void kafka_conf_default(rd_kafka_conf_t *conf, const struct option_value *values, size_t values_len,
                        const char *name, const char *value);

// One handle. librdkafka reconnects by itself for ever; what it last said about its brokers is kept
// here, because the calls that suffer from it say only "timed out".
struct kafka_client {
    rd_kafka_t *handle;
    char name[128];             // "source events", for log lines
    char servers[256];          // bootstrap servers, for messages
    _Atomic bool is_down;       // all brokers are away; cleared by kafka_client_is_well
    _Atomic bool was_contacted; // some answer came: what fails now worked before
    _Atomic bool has_trouble;   // trouble is set
    pthread_mutex_t lock;       // guards what follows; callbacks come from any thread
    rd_kafka_resp_err_t trouble;
    char trouble_text[512];
    int64_t log_second_us; // flood control: lines of one second
    int log_lines, log_suppressed;
};
// Takes conf, also when it fails (ERROR_USER). Callbacks for errors and log lines are set here; set
// others on conf before. name: "source events". Connects to nothing yet.
struct kafka_client *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *name,
                                      const struct kafka_client_options *options,
                                      struct error *err);
void kafka_client_free(struct kafka_client *client); // NULL is allowed
// An answer came: forgets the trouble.
void kafka_client_is_well(struct kafka_client *client);

// Fills err from a code that librdkafka gave while `what` was tried ("reading topic 'a'"), with the
// kind that says who acts, and returns false. detail: librdkafka's own text, or NULL.
//   away, timed out, leader moved, topic not there (yet)   ERROR_RETRY
//   wrong login, not allowed, certificate not trusted      ERROR_USER; ERROR_RETRY once an answer
//                                                          had come: then the cluster changed
//   message too large, not valid                           ERROR_DATA
//   fenced by a newer producer, lost for good              ERROR_FATAL
bool kafka_fail(struct kafka_client *client, rd_kafka_resp_err_t code, const char *detail,
                struct error *err, const char *what, ...) PRINTF(5, 6);
enum error_kind kafka_error_kind(rd_kafka_resp_err_t code);

#endif

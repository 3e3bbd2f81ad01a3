// SPDX-License-Identifier: MIT
// Profile `clinical`: vitals, medications, laboratory results and adverse events of patients, each
// kind with a topic of its own. What a record is about (kind, patient) follows from its row number;
// a patient's normal values follow from the patient's number.
//
// Counts must be exact, so no two records may share a key by chance. Every row has a microsecond of
// its own: rows are shuffled within blocks of 64 (records arrive a little out of order), which is a
// bijection. Rows whose time is missing take their patient by rank instead.
#include "connectors/generator/clinical.h"

#include "base/clock.h"
#include <string.h>

#define MINUTE_US (60 * US_PER_SECOND)
#define BLOCK 64
#define LATE_US (25 * MINUTE_US + 7) // behind its neighbours, off their grid of times

enum topic { VITALS, MEDICATIONS, LABS, EVENTS };
static const char *const topics[] = {"patient-vitals", "medications", "lab-results",
                                     "adverse-events"};

static const char *const sources[4] = {"bedside_monitor", "icu_monitor", "telemetry",
                                       "manual_entry"};
static const char *const sites[8] = {"site_01", "site_02", "site_03", "site_04",
                                     "site_05", "site_06", "site_07", "site_08"};
static const char *const routes[4] = {"oral", "IV", "subcutaneous", "intramuscular"};
static const char *const event_types[8] = {
    "liver_toxicity", "kidney_dysfunction", "severe_hypotension", "arrhythmia",
    "anaphylaxis",    "thrombocytopenia",   "neutropenia",        "qt_prolongation"};
static const char *const reporters[4] = {"nurse", "physician", "investigator", "patient"};
static const struct {
    const char *name, *dosage, *unit, *frequency;
} drugs[8] = {{"Metformin", "500", "mg", "BID"},    {"Lisinopril", "10", "mg", "QD"},
              {"Atorvastatin", "20", "mg", "QD"},   {"Aspirin", "81", "mg", "QD"},
              {"Levothyroxine", "50", "mcg", "QD"}, {"Omeprazole", "20", "mg", "QD"},
              {"Amlodipine", "5", "mg", "QD"},      {"Metoprolol", "25", "mg", "BID"}};
static const struct {
    const char *name, *unit, *range;
    int32_t low, high; // tenths
} tests[8] = {{"ALT", "U/L", "7-56", 70, 560},
              {"AST", "U/L", "10-40", 100, 400},
              {"Creatinine", "mg/dL", "0.7-1.3", 7, 13},
              {"Glucose", "mg/dL", "70-100", 700, 1000},
              {"Hemoglobin", "g/dL", "13.5-17.5", 135, 175},
              {"Platelets", "10^9/L", "150-400", 1500, 4000},
              {"WBC", "10^9/L", "4.5-11.0", 45, 110},
              {"BUN", "mg/dL", "7-20", 70, 200}};

// The five measurements, in tenths: what is possible, and how far a sample strays (times 10).
enum measure { HEART_RATE, SYSTOLIC, DIASTOLIC, TEMPERATURE, SPO2, MEASURES };
static const struct {
    const char *name;
    int32_t low, high, noise;
    int32_t abnormal[2][2]; // two ranges that are abnormal, but happen
} measures[MEASURES] = {
    {"heart_rate", 400, 2000, 50, {{400, 550}, {1200, 1900}}},
    {"blood_pressure_systolic", 600, 2500, 100, {{650, 890}, {1500, 2200}}},
    {"blood_pressure_diastolic", 400, 1500, 50, {{400, 590}, {950, 1300}}},
    {"temperature", 350, 420, 2, {{350, 359}, {382, 410}}},
    {"spo2", 700, 1000, 10, {{800, 900}, {900, 940}}},
};

// One field of an otherwise valid record replaced by this text; NULL: the field is left out.
struct change {
    const char *field, *text;
};
static const struct change broken_vitals[] = {
    {"patient_id", "null"},
    {"timestamp", "null"},
    {"heart_rate", "null"},
    {"blood_pressure_systolic", NULL},
    {"blood_pressure_diastolic", "null"},
    {"temperature", NULL},
    {"spo2", "null"},
    // Outside a range: only with the option out_of_range.
    {"heart_rate", "39.9"},
    {"heart_rate", "200.1"},
    {"blood_pressure_systolic", "59"},
    {"blood_pressure_systolic", "300"},
    {"blood_pressure_diastolic", "39"},
    {"blood_pressure_diastolic", "150.5"},
    {"temperature", "34.9"},
    {"temperature", "42.1"},
    {"spo2", "69"},
    {"spo2", "101"},
};
#define VITALS_IN_RANGE 7
static const struct change broken_medications[] = {{"patient_id", "null"},
                                                   {"timestamp", "null"},
                                                   {"drug_name", "null"},
                                                   {"dosage", NULL},
                                                   {"dosage", "-5"}};
static const struct change broken_labs[] = {{"patient_id", "null"},
                                            {"timestamp", "null"},
                                            {"test_name", NULL},
                                            {"value", "null"},
                                            {"value", "-0.5"}};
static const struct change broken_events[] = {{"patient_id", "null"},
                                              {"event_timestamp", "null"},
                                              {"event_type", "null"},
                                              {"severity", NULL},
                                              {"severity", "\"grade_5\""}};

static enum topic topic_of(const struct feed *feed, int64_t row)
{
    uint64_t share = random_at(feed->seed ^ 0x70b1c, (uint64_t)row) % 1000;
    return share < 700 ? VITALS : share < 900 ? MEDICATIONS : share < 990 ? LABS : EVENTS;
}

// ---- Writing ------------------------------------------------------------------------------------

struct pen {
    char *at;
    const struct change *change;
    bool has_field;
};

static void put_text(struct pen *pen, const char *text)
{
    pen->at = stpcpy(pen->at, text);
}

static void put_digits(struct pen *pen, uint32_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        pen->at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    pen->at += digits;
}

static void put_number(struct pen *pen, uint32_t value)
{
    int digits = 1;
    for (uint32_t rest = value; rest >= 10; rest /= 10)
        digits++;
    put_digits(pen, value, digits);
}

static void put_tenths(struct pen *pen, int32_t value)
{
    put_number(pen, (uint32_t)value / 10);
    if (value % 10 != 0) {
        *pen->at++ = '.';
        put_digits(pen, (uint32_t)value % 10, 1);
    }
}

// Begins a field. False: its value is written already, or it is left out.
static bool field(struct pen *pen, const char *name)
{
    bool is_changed = pen->change != NULL && strcmp(pen->change->field, name) == 0;
    if (is_changed && pen->change->text == NULL)
        return false;
    put_text(pen, pen->has_field ? ",\"" : "{\"");
    pen->has_field = true;
    put_text(pen, name);
    put_text(pen, "\":");
    if (is_changed)
        put_text(pen, pen->change->text);
    return !is_changed;
}

static void field_text(struct pen *pen, const char *name, const char *value)
{
    if (!field(pen, name))
        return;
    *pen->at++ = '"';
    put_text(pen, value);
    *pen->at++ = '"';
}

static void field_tenths(struct pen *pen, const char *name, int32_t value)
{
    if (field(pen, name))
        put_tenths(pen, value);
}

// ISO-8601 with a fraction where there is one.
static void field_time(struct feed *feed, struct pen *pen, const char *name, int64_t time_us)
{
    if (!field(pen, name))
        return;
    int64_t minute = time_us / MINUTE_US, rest = time_us % MINUTE_US;
    if (rest < 0) {
        rest += MINUTE_US;
        minute--;
    }
    size_t slot = (size_t)minute % MINUTES_CACHED;
    if (feed->minutes[slot] != minute) {
        char text[40];
        time_print(minute * MINUTE_US, 0, text);
        memcpy(feed->minute_text[slot], text, 17);
        feed->minute_text[slot][10] = 'T';
        feed->minutes[slot] = minute;
    }
    *pen->at++ = '"';
    memcpy(pen->at, feed->minute_text[slot], 17);
    pen->at += 17;
    put_digits(pen, (uint32_t)(rest / US_PER_SECOND), 2);
    if (rest % US_PER_SECOND != 0) {
        *pen->at++ = '.';
        put_digits(pen, (uint32_t)(rest % US_PER_SECOND), 6);
    }
    put_text(pen, "Z\"");
}

static void field_patient(struct pen *pen, uint64_t patient)
{
    if (!field(pen, "patient_id"))
        return;
    put_text(pen, "\"PT");
    put_digits(pen, (uint32_t)patient, 5);
    *pen->at++ = '"';
}

static void trial_fields(struct pen *pen, const struct feed *feed, uint64_t patient, bool has_arm)
{
    uint64_t random = random_at(feed->seed ^ 0x717a1, patient);
    if ((random & 7) == 0) // one patient in eight is in no trial
        return;
    field_text(pen, "trial_site", sites[random >> 3 & 7]);
    if (has_arm)
        field_text(pen, "trial_arm", (random >> 6 & 1) != 0 ? "treatment" : "control");
}

// ---- The four kinds -----------------------------------------------------------------------------

// About normal with deviation 1, in thousandths: a sum of eight even ones.
static int32_t normal(uint64_t random)
{
    int32_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum += (int32_t)(random >> 8 * i & 0xff);
    return (sum - 1020) * 1000 / 209;
}

static int32_t baseline(const struct feed *feed, uint64_t patient, enum measure measure)
{
    uint64_t random = random_at(feed->seed ^ 0xba5e, patient * MEASURES + (uint64_t)measure);
    int32_t age = 18 + (int32_t)(random_at(feed->seed ^ 0xa9e, patient) % 68);
    int32_t f = age - 40, z = normal(random); // f in hundredths
    switch (measure) {
    case HEART_RATE:
        return 750 - f + z / 10;
    case SYSTOLIC:
        return 1200 + 2 * f + z * 15 / 100;
    case DIASTOLIC:
        return 800 + f + z / 10;
    case TEMPERATURE:
        return 370 + z * 3 / 1000;
    case SPO2:
    case MEASURES:
        break;
    }
    return 980 - f / 5 + z * 15 / 1000;
}

static int32_t sample(const struct feed *feed, uint64_t patient, enum measure measure, int64_t row)
{
    uint64_t random = random_at((feed->seed ^ 0x5a3d) + (uint64_t)measure, (uint64_t)row);
    int32_t value = baseline(feed, patient, measure);
    if (random_at((feed->seed ^ 0xabba) + (uint64_t)measure, (uint64_t)row) % 100 == 0) {
        const int32_t *range = measures[measure].abnormal[random >> 63];
        value = range[0] + (int32_t)(random % (uint64_t)(range[1] - range[0] + 1));
    } else {
        value += normal(random) * measures[measure].noise / 1000;
    }
    int32_t low = measures[measure].low, high = measures[measure].high;
    return value < low ? low : value > high ? high : value;
}

static void vitals_write(struct feed *feed, struct pen *pen, int64_t row, uint64_t patient,
                         int64_t time_us, uint64_t random)
{
    field_patient(pen, patient);
    field_time(feed, pen, "timestamp", time_us);
    int32_t values[MEASURES];
    for (int i = 0; i < MEASURES; i++)
        values[i] = sample(feed, patient, (enum measure)i, row);
    if (values[DIASTOLIC] > values[SYSTOLIC] - 100)
        values[DIASTOLIC] = values[SYSTOLIC] - 100 < 400 ? 400 : values[SYSTOLIC] - 100;
    for (int i = 0; i < MEASURES; i++)
        field_tenths(pen, measures[i].name, values[i]);
    field_text(pen, "source", sources[random & 3]);
    trial_fields(pen, feed, patient, true);
}

static void medication_write(struct feed *feed, struct pen *pen, uint64_t patient, int64_t time_us,
                             uint64_t random)
{
    size_t drug = random & 7;
    field_patient(pen, patient);
    field_time(feed, pen, "timestamp", time_us);
    field_text(pen, "drug_name", drugs[drug].name);
    if (field(pen, "dosage"))
        put_text(pen, drugs[drug].dosage);
    field_text(pen, "unit", drugs[drug].unit);
    field_text(pen, "route", routes[(random >> 3 & 7) < 5 ? 0 : (random >> 3 & 7) - 4]);
    field_text(pen, "frequency", drugs[drug].frequency);
    if ((random >> 6 & 3) != 0)
        field_text(pen, "administered_by", (random >> 8 & 1) != 0 ? "nurse_day" : "nurse_night");
    trial_fields(pen, feed, patient, true);
}

static void lab_write(struct feed *feed, struct pen *pen, int64_t row, uint64_t patient,
                      int64_t time_us, uint64_t random)
{
    size_t test = random & 7;
    int32_t low = tests[test].low, high = tests[test].high;
    int32_t value = low + (int32_t)((random >> 16 & 0xffff) * (uint64_t)(high - low + 1) >> 16);
    if ((random >> 40) % 10 == 0) // abnormal: well above, or down to half of the lower bound
        value = (random >> 3 & 1) != 0 ? high + (value - low) + 1
                                       : low - (value - low) * low / 2 / (high - low);
    field_patient(pen, patient);
    field_time(feed, pen, "timestamp", time_us);
    field_text(pen, "test_name", tests[test].name);
    field_tenths(pen, "value", value);
    field_text(pen, "unit", tests[test].unit);
    if (field(pen, "lab_id")) {
        put_text(pen, "\"LAB");
        put_number(pen, (uint32_t)(100000000 + row % 900000000));
        *pen->at++ = '"';
    }
    if ((random >> 4 & 3) != 0)
        field_text(pen, "reference_range", tests[test].range);
    if ((random >> 6 & 1) != 0)
        field_text(pen, "performing_lab", (random >> 7 & 1) != 0 ? "central" : "local");
    trial_fields(pen, feed, patient, false);
}

static void event_write(struct feed *feed, struct pen *pen, uint64_t patient, int64_t time_us,
                        uint64_t random)
{
    static const char *const grades[4] = {"grade_1", "grade_2", "grade_3", "grade_4"};
    uint64_t severity = random >> 3 & 15; // mild ones are the most frequent
    field_patient(pen, patient);
    field_time(feed, pen, "event_timestamp", time_us);
    field_text(pen, "event_type", event_types[random & 7]);
    field_text(pen, "severity",
               grades[severity < 8    ? 0
                      : severity < 13 ? 1
                      : severity < 15 ? 2
                                      : 3]);
    field_text(pen, "reported_by", reporters[random >> 7 & 3]);
    field_time(feed, pen, "report_timestamp", time_us + (int64_t)(random >> 10 & 63) * MINUTE_US);
    if ((random >> 9 & 1) != 0)
        field_text(pen, "description", "observed during routine assessment");
    trial_fields(pen, feed, patient, true);
}

// ---- Rows ---------------------------------------------------------------------------------------

// The row's place in time: its neighbours within a block of 64 in another order.
static int64_t shuffled(const struct feed *feed, int64_t row)
{
    int64_t block = row / BLOCK, rows = feed->options->rows;
    if (rows > 0 && (block + 1) * BLOCK > rows)
        return row;
    uint64_t random = random_at(feed->seed ^ 0x0bde, (uint64_t)block);
    uint64_t at = ((uint64_t)row % BLOCK * (random | 1) + (random >> 32)) % BLOCK;
    return block * BLOCK + (int64_t)at;
}

static int64_t event_time(const struct feed *feed, int64_t row, enum row_kind kind)
{
    int64_t place = feed->options->disorder_us > 0 ? shuffled(feed, row) : row;
    int64_t time_us = feed->start_us + (int64_t)(((unsigned __int128)place * feed->step) >> 32);
    return kind == ROW_LATE ? time_us - LATE_US : time_us;
}

// Numbers invalid rows without gaps worth mentioning: ranks begin again after a fifth of the rows.
static int64_t number_of(const struct feed *feed, int64_t row, int64_t rank)
{
    return 2 * rank + (row >= feed->options->rows / 5);
}

static const struct change *change_of(const struct feed *feed, enum topic topic, int64_t row,
                                      int64_t rank)
{
    static const struct {
        const struct change *list;
        size_t len;
    } changes[] = {
        [VITALS] = {broken_vitals, COUNT_OF(broken_vitals)},
        [MEDICATIONS] = {broken_medications, COUNT_OF(broken_medications)},
        [LABS] = {broken_labs, COUNT_OF(broken_labs)},
        [EVENTS] = {broken_events, COUNT_OF(broken_events)},
    };
    size_t len = changes[topic].len;
    if (topic == VITALS && !feed->options->out_of_range)
        len = VITALS_IN_RANGE;
    size_t at = (size_t)rank % len;
    // Without a time, records of one patient would have one key: only so many are possible.
    bool is_timeless = strstr(changes[topic].list[at].field, "timestamp") != NULL;
    return &changes[topic]
                .list[is_timeless && number_of(feed, row, rank) >= feed->options->patients ? 0
                                                                                           : at];
}

static size_t record_write(struct feed *feed, int64_t row, enum row_kind kind,
                           const struct change *change, int64_t rank, char *out)
{
    struct pen pen = {.at = out, .change = change};
    uint64_t random = random_at(feed->seed, (uint64_t)row * 2 + 1);
    uint64_t patients = (uint64_t)feed->options->patients;
    uint64_t patient = random_at(feed->seed, (uint64_t)row * 2 + 2) % patients;
    if (change != NULL && strstr(change->field, "timestamp") != NULL)
        patient = (uint64_t)number_of(feed, row, rank) % patients;
    int64_t time_us = event_time(feed, row, kind);
    switch (topic_of(feed, row)) {
    case VITALS:
        vitals_write(feed, &pen, row, patient, time_us, random);
        break;
    case MEDICATIONS:
        medication_write(feed, &pen, patient, time_us, random);
        break;
    case LABS:
        lab_write(feed, &pen, row, patient, time_us, random);
        break;
    case EVENTS:
        event_write(feed, &pen, patient, time_us, random);
        break;
    }
    *pen.at++ = '}';
    return (size_t)(pen.at - out);
}

static size_t malformed_write(struct feed *feed, int64_t row, int64_t rank, char *out)
{
    static const struct change misfit = {"patient_id", "[\"PT00001\"]"};
    switch (rank % 5) {
    case 0:
        return (size_t)(stpcpy(out, "not a record") - out);
    case 1: // cut off
        return record_write(feed, row, ROW_VALID, NULL, 0, out) / 2;
    case 2:
        return (size_t)(stpcpy(out, "null") - out);
    case 3: {
        size_t len = record_write(feed, row, ROW_VALID, NULL, 0, out);
        out[len - 1] = ','; // the end is missing
        return len;
    }
    default: {
        size_t len = record_write(feed, row, ROW_VALID, &misfit, 0, out);
        memcpy(out + len, ",]", 2);
        return len + 2;
    }
    }
}

static size_t clinical_write(struct feed *feed, int64_t row, enum row_kind kind, int64_t rank,
                             char *out)
{
    if (kind == ROW_MALFORMED)
        return malformed_write(feed, row, rank, out);
    const struct change *change =
        kind == ROW_INVALID ? change_of(feed, topic_of(feed, row), row, rank) : NULL;
    return record_write(feed, row, kind, change, rank, out);
}

static void clinical_init(struct feed *feed)
{
    for (size_t i = 0; i < MINUTES_CACHED; i++)
        feed->minutes[i] = INT64_MIN;
}

static bool clinical_check(const struct generator_options *options, struct error *err)
{
    if (options->patients < 1 || options->patients > 100000)
        return error_set(err, ERROR_USER,
                         "generator: patients = %lld: 1 to 100000 (ids have five digits)",
                         (long long)options->patients);
    return true;
}

static void clinical_route(const struct feed *feed, int64_t row, struct route *route)
{
    *route = (struct route){.topic = topics[topic_of(feed, row)]};
}

const struct profile clinical_profile = {
    .name = "clinical",
    .summary = "vitals, medications, lab results and adverse events of patients",
    .row_bytes_max = 768,
    .check = clinical_check,
    .init = clinical_init,
    .write = clinical_write,
    .route = clinical_route,
};

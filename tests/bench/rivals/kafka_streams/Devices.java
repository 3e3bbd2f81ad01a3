// SPDX-License-Identifier: MIT
// The devices job on Kafka Streams, exactly_once_v2: parse, check, drop duplicates, count per device
// and minute; results as JSON into a topic. Written to be quick: Jackson's streaming parser, a binary
// serde between the steps, stores in memory (backed by their changelogs, which is what recovers them),
// results once a commit. The topic has no keys, so devices are brought together by a repartition topic;
// the grace is long enough that no partition's clock drops another's rows.
//   Devices SERVERS TOPIC OUTPUT ROWS THREADS       prints {"events", "seconds", "cpu_s"} from first row to end
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class Devices {
    static final JsonFactory JSON = new JsonFactory();
    static final Duration MINUTE = Duration.ofMinutes(1), GRACE = Duration.ofMinutes(15), MEMORY = Duration.ofMinutes(5);
    static final AtomicLong read = new AtomicLong(), passed = new AtomicLong(), counted = new AtomicLong();
    static volatile long beginNanos, beginCpu;

    static final class Event {
        long id, time = Long.MIN_VALUE;
        String device, type, city, country, firmware;
        double duration = Double.NaN, latitude = Double.NaN, longitude = Double.NaN;
        int battery = Integer.MIN_VALUE, signal = Integer.MIN_VALUE;
        boolean hasId;

        boolean isValid() {
            return hasId && device != null && type != null && time != Long.MIN_VALUE && duration > 0 && duration < 100
                && battery >= 0 && battery <= 100 && signal >= -120 && signal <= 0 && Math.abs(latitude) <= 90
                && Math.abs(longitude) <= 180;
        }

        String key() {
            return device + '|' + type;
        }
    }

    /** Milliseconds of 2024-01-15T10:00:00.000000Z; the usual form by hand, others by the library. */
    static long time(String text) {
        if (text.length() < 20 || text.charAt(text.length() - 1) != 'Z' || text.charAt(10) != 'T')
            return OffsetDateTime.parse(text.replace(' ', 'T')).toInstant().toEpochMilli();
        int year = number(text, 0, 4), month = number(text, 5, 7), day = number(text, 8, 10);
        int y = month <= 2 ? year - 1 : year;
        long era = y / 400, ofEra = y - era * 400;
        long ofYear = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        long days = era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468;
        long seconds = number(text, 11, 13) * 3600L + number(text, 14, 16) * 60L + number(text, 17, 19);
        int millis = text.length() >= 24 ? number(text, 20, 23) : 0;
        return (days * 86400 + seconds) * 1000 + millis;
    }

    static int number(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++)
            value = value * 10 + text.charAt(i) - '0';
        return value;
    }

    static Event parse(byte[] json) {
        Event event = new Event();
        try (JsonParser parser = JSON.createParser(json)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() != JsonToken.FIELD_NAME)
                    continue;
                String name = parser.currentName();
                JsonToken token = parser.nextToken();
                if (token == JsonToken.VALUE_NULL)
                    continue;
                switch (name) {
                case "event_id": event.id = parser.getLongValue(); event.hasId = true; break;
                case "device_id": event.device = parser.getText(); break;
                case "device_type": event.type = parser.getText(); break;
                case "event_time": event.time = time(parser.getText()); break;
                case "event_duration": event.duration = parser.getDoubleValue(); break;
                case "latitude": event.latitude = parser.getDoubleValue(); break;
                case "longitude": event.longitude = parser.getDoubleValue(); break;
                case "city": event.city = parser.getText(); break;
                case "country": event.country = parser.getText(); break;
                case "firmware_version": event.firmware = parser.getText(); break;
                case "battery_level": event.battery = parser.getIntValue(); break;
                case "signal_strength": event.signal = parser.getIntValue(); break;
                default: break;
                }
            }
        } catch (IOException | RuntimeException wrong) {
            return null;
        }
        return event;
    }

    static void putText(ByteBuffer out, String text) {
        byte[] bytes = text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
        out.put((byte) bytes.length).put(bytes);
    }

    static String getText(ByteBuffer in) {
        byte[] bytes = new byte[in.get() & 0xff];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static final ThreadLocal<ByteBuffer> SCRATCH = ThreadLocal.withInitial(() -> ByteBuffer.allocate(2048));

    static byte[] bytes(ByteBuffer buffer) {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    static final Serde<Event> EVENT = Serdes.serdeFrom((topic, event) -> {
        ByteBuffer out = SCRATCH.get().clear();
        out.putLong(event.id).putLong(event.time).putDouble(event.duration).putInt(event.battery).putInt(event.signal);
        putText(out, event.city);
        putText(out, event.country);
        putText(out, event.firmware);
        return bytes(out);
    }, (topic, data) -> {
        ByteBuffer in = ByteBuffer.wrap(data);
        Event event = new Event();
        event.id = in.getLong();
        event.time = in.getLong();
        event.duration = in.getDouble();
        event.battery = in.getInt();
        event.signal = in.getInt();
        event.city = getText(in);
        event.country = getText(in);
        event.firmware = getText(in);
        return event;
    });

    static final class Totals {
        long count, lastTime, battery, signal;
        double sum, max = -1e300, min = 1e300;
        int minBattery = Integer.MAX_VALUE, minSignal = Integer.MAX_VALUE;
        String city, country, firmware;

        Totals add(Event event) {
            if (count++ == 0) {
                city = event.city;
                country = event.country;
                firmware = event.firmware;
            }
            sum += event.duration;
            max = Math.max(max, event.duration);
            min = Math.min(min, event.duration);
            battery += event.battery;
            signal += event.signal;
            minBattery = Math.min(minBattery, event.battery);
            minSignal = Math.min(minSignal, event.signal);
            lastTime = Math.max(lastTime, event.time);
            return this;
        }

        String json(String key, long start) {
            int bar = key.indexOf('|');
            return "{\"window_start\":" + start + ",\"device_id\":\"" + key.substring(0, bar) + "\",\"device_type\":\""
                + key.substring(bar + 1) + "\",\"event_count\":" + count + ",\"avg_duration\":" + sum / count
                + ",\"max_duration\":" + max + ",\"min_duration\":" + min + ",\"avg_battery_level\":"
                + (double) battery / count + ",\"min_battery_level\":" + minBattery + ",\"avg_signal_strength\":"
                + (double) signal / count + ",\"min_signal_strength\":" + minSignal + ",\"city\":\"" + city
                + "\",\"country\":\"" + country + "\",\"firmware_version\":\"" + firmware + "\",\"last_event_time\":"
                + lastTime + "}";
        }
    }

    static final Serde<Totals> TOTALS = Serdes.serdeFrom((topic, totals) -> {
        if (totals == null)
            return null;
        ByteBuffer out = SCRATCH.get().clear();
        out.putLong(totals.count).putLong(totals.lastTime).putLong(totals.battery).putLong(totals.signal);
        out.putDouble(totals.sum).putDouble(totals.max).putDouble(totals.min);
        out.putInt(totals.minBattery).putInt(totals.minSignal);
        putText(out, totals.city);
        putText(out, totals.country);
        putText(out, totals.firmware);
        return bytes(out);
    }, (topic, data) -> {
        if (data == null)
            return null;
        ByteBuffer in = ByteBuffer.wrap(data);
        Totals totals = new Totals();
        totals.count = in.getLong();
        totals.lastTime = in.getLong();
        totals.battery = in.getLong();
        totals.signal = in.getLong();
        totals.sum = in.getDouble();
        totals.max = in.getDouble();
        totals.min = in.getDouble();
        totals.minBattery = in.getInt();
        totals.minSignal = in.getInt();
        totals.city = getText(in);
        totals.country = getText(in);
        totals.firmware = getText(in);
        return totals;
    });

    /** First arrival of (event_id, device) wins; a minute's keys are forgotten MEMORY after it. A copy
     *  has the event time of its first, so keys are kept by minute, and one range is what is forgotten. */
    static final class Dedup implements FixedKeyProcessor<String, Event, Event> {
        private FixedKeyProcessorContext<String, Event> context;
        private KeyValueStore<Bytes, byte[]> seen;
        private long forgotten = -1;
        private static final byte[] MARK = {1};

        @Override
        public void init(FixedKeyProcessorContext<String, Event> context) {
            this.context = context;
            seen = context.getStateStore("seen");
        }

        private static Bytes key(long minute, long id, String device) {
            ByteBuffer out = SCRATCH.get().clear();
            out.putInt((int) minute).putLong(id).put(device.getBytes(StandardCharsets.UTF_8));
            return Bytes.wrap(bytes(out));
        }

        private void forget(long minute) {
            if (forgotten < 0)
                forgotten = minute;
            for (; forgotten < minute; forgotten++)
                try (KeyValueIterator<Bytes, byte[]> old = seen.range(key(forgotten, 0, ""), key(forgotten + 1, 0, ""))) {
                    while (old.hasNext())
                        seen.delete(old.next().key);
                }
        }

        @Override
        public void process(FixedKeyRecord<String, Event> record) {
            counted.incrementAndGet();
            Event event = record.value();
            forget((context.currentStreamTimeMs() - MEMORY.toMillis()) / 60_000);
            if (seen.putIfAbsent(key(event.time / 60_000, event.id, record.key()), MARK) == null)
                context.forward(record);
        }
    }

    public static final class EventTime implements TimestampExtractor {
        @Override
        public long extract(org.apache.kafka.clients.consumer.ConsumerRecord<Object, Object> record, long partitionTime) {
            return record.value() instanceof Event && ((Event) record.value()).time > 0 ? ((Event) record.value()).time
                                                                                       : Math.max(partitionTime, 0);
        }
    }

    static final Deserializer<Event> INPUT = (topic, data) -> {
        if (beginNanos == 0)
            begin();
        Event event = parse(data);
        return event == null ? new Event() : event;
    };

    static synchronized void begin() {
        if (beginNanos != 0)
            return;
        beginCpu = cpu();
        beginNanos = System.nanoTime();
    }

    static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    static KafkaStreams build(String servers, String topic, String output, String threads) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("seen"), Serdes.Bytes(), Serdes.ByteArray()));
        Serializer<Event> never = (name, event) -> null;
        builder.stream(topic, Consumed.with(Serdes.ByteArray(), Serdes.serdeFrom(never, INPUT))
                                  .withTimestampExtractor(new EventTime()))
            .filter((key, event) -> {
                boolean isValid = event.isValid();
                if (isValid)
                    passed.incrementAndGet();
                read.incrementAndGet();
                return isValid;
            })
            .map((key, event) -> KeyValue.pair(event.key(), event))
            .repartition(Repartitioned.with(Serdes.String(), EVENT).withName("by-device"))
            .processValues(Dedup::new, "seen")
            .groupByKey(Grouped.with(Serdes.String(), EVENT))
            .windowedBy(TimeWindows.ofSizeAndGrace(MINUTE, GRACE))
            .aggregate(Totals::new, (key, event, totals) -> totals.add(event),
                Materialized.<String, Totals>as(Stores.inMemoryWindowStore("minutes", GRACE.plus(MINUTE), MINUTE, false))
                    .withKeySerde(Serdes.String()).withValueSerde(TOTALS).withCachingEnabled())
            .toStream()
            .map((window, totals) -> KeyValue.pair(window.key() + '|' + window.window().start(),
                totals.json(window.key(), window.window().start())))
            .to(output, Produced.with(Serdes.String(), Serdes.String()));
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, output);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "2000");
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, String.valueOf(64 << 20));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir") + "/" + output);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), "20");
        return new KafkaStreams(builder.build(), properties);
    }

    public static void main(String[] arguments) throws Exception {
        long rows = Long.parseLong(arguments[3]);
        KafkaStreams streams = build(arguments[0], arguments[1], arguments[2], arguments[4]);
        streams.cleanUp();
        streams.start();
        while (read.get() < rows || counted.get() < passed.get()) {
            Thread.sleep(20);
            if (streams.state() == KafkaStreams.State.ERROR)
                System.exit(1);
        }
        streams.close(Duration.ofSeconds(60)); // commits
        System.out.printf("{\"events\": %d, \"seconds\": %.3f, \"cpu_s\": %.3f}%n", rows,
            (System.nanoTime() - beginNanos) / 1e9, (cpu() - beginCpu) / 1e9);
        streams.cleanUp();
        System.exit(0);
    }
}

// SPDX-License-Identifier: MIT
// The devices job on Flink SQL in one JVM, at the settings that suited it best: two slots, object reuse,
// state on the heap, checkpoints each 10 s. Drops duplicates (first row of a key, by arrival), counts per
// device and minute; JSON into a topic, exactly once. Ends where the topic ends now.
//   Devices SERVERS TOPIC OUTPUT ROWS DELAY       prints {"events", "seconds", "cpu_s"} from submission to end
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

public final class Devices {
    static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0], topic = arguments[1], output = arguments[2], delay = arguments[4];
        String[] parts = delay.split(" ");
        String unit = parts[1].toUpperCase().replaceAll("S$", "");
        Configuration configuration = new Configuration();
        configuration.setString("taskmanager.numberOfTaskSlots", "2");
        configuration.setString("parallelism.default", "2");
        configuration.setString("pipeline.object-reuse", "true");
        configuration.setString("state.backend.type", "hashmap");
        configuration.setString("execution.checkpointing.interval", "10 s");
        configuration.setString("execution.checkpointing.dir", "file://" + System.getProperty("java.io.tmpdir") + "/checkpoints");
        configuration.setString("taskmanager.memory.network.max", "128mb");
        configuration.setString("taskmanager.memory.network.min", "128mb");
        configuration.setString("table.exec.source.idle-timeout", "30 s");
        configuration.setString("table.local-time-zone", "UTC");
        StreamTableEnvironment tables =
            StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(2, configuration));
        tables.executeSql("CREATE TABLE events (event_id BIGINT, device_id STRING, device_type STRING, event_time STRING,"
            + " event_duration DOUBLE, location ROW<latitude DOUBLE, longitude DOUBLE, city STRING, country STRING>,"
            + " metadata ROW<firmware_version STRING, battery_level INT, signal_strength INT>,"
            + " ts AS CAST(REPLACE(SUBSTRING(event_time, 1, 23), 'T', ' ') AS TIMESTAMP(3)), arrival AS PROCTIME(),"
            + " WATERMARK FOR ts AS ts - INTERVAL '" + parts[0] + "' " + unit + ") WITH ('connector' = 'kafka',"
            + " 'properties.bootstrap.servers' = '" + servers + "', 'topic' = '" + topic + "', 'format' = 'json',"
            + " 'json.ignore-parse-errors' = 'true', 'scan.startup.mode' = 'earliest-offset',"
            + " 'scan.bounded.mode' = 'latest-offset')");
        tables.executeSql("CREATE TABLE minutes (window_start TIMESTAMP(3), window_end TIMESTAMP(3), device_id STRING,"
            + " device_type STRING, event_count BIGINT, avg_duration DOUBLE, max_duration DOUBLE, min_duration DOUBLE,"
            + " avg_battery_level DOUBLE, min_battery_level INT, avg_signal_strength DOUBLE, min_signal_strength INT,"
            + " city STRING, country STRING, firmware_version STRING, last_event_time TIMESTAMP(3)) WITH ("
            + " 'connector' = 'kafka', 'properties.bootstrap.servers' = '" + servers + "', 'topic' = '" + output + "',"
            + " 'format' = 'json', 'properties.compression.type' = 'lz4', 'sink.delivery-guarantee' = 'exactly-once',"
            + " 'sink.transactional-id-prefix' = '" + output + "', 'properties.transaction.timeout.ms' = '600000')");
        tables.executeSql("CREATE VIEW fresh AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id, device_id"
            + " ORDER BY arrival) AS number FROM events WHERE event_id IS NOT NULL AND device_id IS NOT NULL"
            + " AND device_type IS NOT NULL AND ts IS NOT NULL AND event_duration > 0 AND event_duration < 100"
            + " AND metadata.battery_level BETWEEN 0 AND 100 AND metadata.signal_strength BETWEEN -120 AND 0"
            + " AND location.latitude BETWEEN -90 AND 90 AND location.longitude BETWEEN -180 AND 180) WHERE number = 1");
        long beginNanos = System.nanoTime(), beginCpu = cpu();
        tables.executeSql("INSERT INTO minutes SELECT window_start, window_end, device_id, device_type, COUNT(*),"
            + " AVG(event_duration), MAX(event_duration), MIN(event_duration), AVG(CAST(metadata.battery_level AS DOUBLE)),"
            + " MIN(metadata.battery_level), AVG(CAST(metadata.signal_strength AS DOUBLE)), MIN(metadata.signal_strength),"
            + " FIRST_VALUE(location.city), FIRST_VALUE(location.country), FIRST_VALUE(metadata.firmware_version), MAX(ts)"
            + " FROM TABLE(TUMBLE(TABLE fresh, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
            + " GROUP BY window_start, window_end, device_id, device_type").await();
        System.out.printf("{\"events\": %s, \"seconds\": %.3f, \"cpu_s\": %.3f}%n", arguments[3],
            (System.nanoTime() - beginNanos) / 1e9, (cpu() - beginCpu) / 1e9);
        System.exit(0);
    }
}
